# The programs, for NVIDIA's cards; CUDA comes with TensorFlow's packages. Not
# built where this was written: no images there, and no card.
#   docker build -f docker/gpu.Dockerfile -t alexnet_tf:gpu .
#   docker run --rm --gpus=all -v "$PWD:/data" alexnet_tf:gpu doctor
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir '/src[gpu,export,figures,parquet,serving]' \
    && rm -rf /src \
    && useradd --uid=1000 --create-home alexnet
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 1000
WORKDIR /data
EXPOSE 8500 8501
ENTRYPOINT ["alexnet"]
CMD ["--help"]
