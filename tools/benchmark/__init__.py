"""What others do with the same images, and how fast, beside ours."""
