"""Definitions in the syntax of the 2012 program, written for tests.

What they hold is on record of the authors' files; the text is ours.
"""

LETTERS = "abcd"
PAIRS = ((0, 1), (0, 1), (2, 3), (2, 3))
TRIPLES = ((0, 1, 2), (0, 1, 3), (2, 3, 0), (2, 3, 1))


class Writer:
    """Writes layer after layer, each once a tower.

    Attributes:
        towers: How many.
        definition: Lines of layers-*.cfg.
        parameters: Lines of layer-params-*.cfg.
    """

    def __init__(self, towers=2):
        self.towers = towers
        self.definition = _section("data", type="data", dataIdx=0)
        self.definition += _section("labels", type="data", dataIdx=1)
        self.parameters = []
        self.below = ["data"]
        self.channels = 3
        self.size = 224

    def low_resolution(self):
        """Adds the blurred, thinned image, for `conv(side=True)`."""
        self.definition += _section(
            "blur0", type="blur", inputs="data", stdev=4, filterSize=9,
            channels=3, gpu=0,
        )  # fmt: skip
        self.definition += _section(
            "nails0", type="nailbed", inputs="blur0", stride=4, channels=3
        )

    def conv(self, name, filters, size, stride=1, padding=0, reads="own",
             stddev=0.03, bias=None, neuron="relu", side=False,
             groups=1):  # fmt: skip
        """Adds a convolution of `filters` kernels a tower."""
        image = self.below == ["data"]
        rows = [(0,)] * self.towers if image else self._rows(reads)
        for tower, row in enumerate(rows):
            inputs = [self.below[number] for number in row]
            columns = {
                "filters": filters // groups, "padding": padding,
                "stride": stride, "filterSize": size,
                "channels": self.channels, "initW": stddev,
                "groups": groups, "randSparse": int(groups > 1),
            }  # fmt: skip
            first = {
                "filters": filters, "padding": 0, "stride": 2,
                "filterSize": 5, "channels": 3, "initW": 0.01,
                "groups": 1, "randSparse": 0,
            }  # fmt: skip
            lists = {
                key: ",".join(
                    [str(first[key])] * side + [str(value)] * len(row)
                )
                for key, value in columns.items()
            }
            extra = {"neuron": neuron} if neuron else {}
            extra |= {"initB": bias} if bias is not None else {}
            self.definition += _section(
                name + LETTERS[tower], type="conv",
                inputs=",".join(["nails0"] * side + inputs),
                partialSum=1, sharedBiases=1, gpu=tower, **lists, **extra,
            )  # fmt: skip
            self._rates(name + LETTERS[tower], len(row) + side)
        self.below = [name + LETTERS[t] for t in range(self.towers)]
        self.channels = filters

    def plain(self, name, kind, parameters=None, channels=True, **keys):
        """Adds a layer without weights."""
        for tower in range(self.towers):
            own = name + LETTERS[tower]
            keys |= {"channels": self.channels} if channels else {}
            self.definition += _section(
                own, type=kind, inputs=self.below[tower], **keys
            )
            if parameters:
                self.parameters += _section(own, **parameters)
        self.below = [name + LETTERS[t] for t in range(self.towers)]

    def pool(self, name, size=3, neuron=None):
        """Adds max pooling."""
        extra = {"neuron": neuron} if neuron else {}
        self.plain(name, "pool", pool="max", sizeX=size, stride=2, **extra)

    def norm(self, name, size=5, least=2):
        """Adds response normalization across maps."""
        given = {"scale": 0.0001, "pow": 0.75}
        given |= {"minDiv": least} if least != 1 else {}
        self.plain(name, "cmrnorm", given, size=size)

    def map_norm(self, name, kind="rnorm"):
        """Adds normalization within each map."""
        self.plain(name, kind, {"scale": 0.001, "pow": 0.75}, size=5)

    def fc(self, name, units, reads="all", neuron="relu", bias=1):
        """Adds a dense layer of `units` a tower."""
        for tower, row in enumerate(self._rows(reads)):
            extra = {"neuron": neuron} if neuron else {}
            extra |= {"initB": bias} if bias else {}
            own = name + LETTERS[tower]
            self.definition += _section(
                own, type="fc", outputs=units, gpu=tower,
                inputs=",".join(self.below[number] for number in row),
                initW=",".join(["0.01"] * len(row)), **extra,
            )  # fmt: skip
            self._rates(own, len(row))
        self.below = [name + LETTERS[t] for t in range(self.towers)]

    def dropout(self, name, keep=0.5):
        """Adds dropout."""
        self.plain(name, "hs", {"enable": "true"}, channels=False, keep=keep)

    def classes(self, count):
        """Adds the last layer on one GPU, softmax and cost."""
        self.definition += _section(
            "fc1000", type="fc", outputs=count, inputs=",".join(self.below),
            initW=",".join(["0.01"] * len(self.below)), gpu=0,
        )  # fmt: skip
        self._rates("fc1000", len(self.below))
        self.end("fc1000")

    def class_parts(self, counts):
        """Adds the last layer in parts that are joined, softmax and cost."""
        names = [f"fc1000{LETTERS[t]}" for t in range(self.towers)]
        for tower, name in enumerate(names):
            self.definition += _section(
                name, type="fc", outputs=counts[tower], gpu=tower,
                inputs=",".join(self.below),
                initW=",".join(["0.01"] * len(self.below)),
            )  # fmt: skip
            self._rates(name, len(self.below))
        self.definition += _section(
            "concat", type="concat", inputs=",".join(names)
        )
        self.end("concat")

    def end(self, below):
        """Adds softmax and cost."""
        self.definition += _section("probs", type="softmax", inputs=below)
        self.definition += _section(
            "logprob", type="cost.logreg", inputs="labels,probs", gpu=0
        )
        self.parameters += _section("logprob", coeff=1, topk=5)

    def save(self, folder, name="test"):
        """Writes both files; returns the path of the definition."""
        path = folder / f"layers-{name}.cfg"
        path.write_text("\n".join(self.definition))
        (folder / f"layer-params-{name}.cfg").write_text(
            "\n".join(self.parameters) + "\n# epoch 1: a note\n"
        )
        return path

    def _rates(self, name, inputs):
        """Adds the rates that a run begins with."""

        def each(value):
            return ",".join([value] * inputs)

        self.parameters += _section(
            name, epsW=each("0.01"), epsB=0.02, momW=each("0.9"), momB=0.9,
            wc=each("0.0005"), wball=each("0.00"),
        )  # fmt: skip

    def _rows(self, reads):
        if reads == "own":
            return [(tower,) for tower in range(self.towers)]
        if reads == "all":
            return [tuple(range(len(self.below)))] * self.towers
        return reads


def _section(_name, **keys):
    """Returns the lines of a section."""
    return [f"[{_name}]", *(f"{k}={v}" for k, v in keys.items()), ""]


def original(towers=2, conv=(48, 128, 192, 192, 128), dense=2048, classes=1000,
             pool=3, norms=True, conv6=None, low_resolution=False, reads="all",
             dense_reads="all", hidden=2, parts=None, norm_first=True,
             contrast="rnorm", linear=None, own_conv3=False,
             norm_size=5, least=2, groups=(1, 1, 1),
             dense6=None):  # fmt: skip
    """Returns a `Writer` of a network of the authors' lineage.

    The defaults are layers-145.cfg; low_resolution and 32 kernels in conv1 are
    what all families before it have.
    """
    file = Writer(towers)
    if low_resolution:
        file.low_resolution()
    file.conv("conv1", conv[0], 11, 4, stddev=0.01, neuron=None)
    if norms and norm_first:
        file.norm("rnorm1", norm_size, least)
    file.pool("pool1", pool, "relu")
    if norms and not norm_first:
        file.norm("rnorm1", norm_size, least)
    file.conv("conv2", conv[1], 5, 1, 2 if pool == 3 else 1, stddev=0.01,
              bias=1, side=low_resolution, groups=groups[0])  # fmt: skip
    if norms:
        file.norm("rnorm2", norm_size, least)
    if norms and contrast:
        file.map_norm("cnorm2", contrast)
    file.pool("pool2", pool)
    file.conv("conv3", conv[2], 3, 1, 1, "own" if own_conv3 else reads,
              groups=groups[1])  # fmt: skip
    file.conv("conv4", conv[3], 3, 1, 1, "own", bias=1, groups=groups[2])
    file.conv("conv5", conv[4], 3, 1, 1 if pool == 3 else 0, bias=1,
              neuron=None)  # fmt: skip
    file.pool("pool3", pool, "relu")
    if conv6:
        file.conv("conv6", conv6, 3, 1, 1, reads, bias=1)
    file.fc("fca", dense6 or dense, dense_reads)
    file.dropout("hs1")
    for number in range(1, hidden):
        file.fc(f"fc{'bcd'[number - 1]}", dense, dense_reads)
        file.dropout(f"hs{number + 1}")
    if linear:
        file.fc("fc1", linear, neuron=None, bias=None)
    if parts:
        file.class_parts(parts)
    else:
        file.classes(classes)
    return file
