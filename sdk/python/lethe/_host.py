# SPDX-License-Identifier: Apache-2.0
"""Calls of one callback into the host."""

import ctypes as c

from . import _abi


class Failure(Exception):
    """Ends the run with this sentence; the host adds plugin, call and step."""

    def __init__(self, message, code=_abi.INTERNAL):
        super().__init__(message)
        self.code = code


class Cancelled(Exception):
    """The run was asked to stop: let it pass."""


def _table(host, name, kind):
    address = host.contents.service(c.cast(host, c.c_void_p), name)
    if not address:
        raise Failure(f"this host has no '{name.decode()}'")
    return kind.from_address(address)


class Services:
    """The host's tables, which live as long as the process."""

    def __init__(self, host):
        self.core = _table(host, b"lethe.core/1", _abi.Core)
        self.tensors = _table(host, b"lethe.tensors/1", _abi.Tensors)
        self.ops = _table(host, b"lethe.ops/1", _abi.Operators)
        self.dlpack = _table(host, b"lethe.dlpack/1", _abi.DLPack)
        self.rng = _table(host, b"lethe.rng/1", _abi.Random)
        self.models = _table(host, b"lethe.model/1", _abi.Models)
        self.steps = _table(host, b"lethe.step/1", _abi.Steps)
        self.operators = {}


class HostCall:
    """The right to call the host, for one callback."""

    def __init__(self, services, context):
        self.services = services
        self.context = context

    def check(self, function, *arguments):
        """Calls, and raises what went wrong."""
        text = c.create_string_buffer(1024)
        error = _abi.Error(c.sizeof(_abi.Error), 0, 1024, 0, c.addressof(text), 0)
        status = function(self.context, *arguments, c.byref(error))
        if status == _abi.CANCELLED:
            raise Cancelled()
        if status != _abi.OK:
            raise Failure(text.value.decode("utf-8", "replace") or f"the host refused with {status}", status)

    def _handle(self, function, *arguments):
        out = _abi.Handle()
        self.check(function, *arguments, c.byref(out))
        return out.value

    def export(self, handle):
        """Address of a `DLManagedTensorVersioned`; whoever takes it calls its deleter, once."""
        return self._handle(self.services.dlpack.export_tensor, handle)

    def take(self, managed):
        """A tensor that takes over what DLPack describes."""
        return self._handle(self.services.dlpack.import_tensor, managed)

    def read(self, handle, dtype, target, size):
        self.check(self.services.tensors.read, handle, dtype, target, size)

    def make(self, dtype, shape, source, size):
        dims = (c.c_int64 * max(1, len(shape)))(*shape)
        return self._handle(self.services.tensors.make, dtype, dims, len(shape), source, size)

    def operator(self, schema, *arguments):
        """Calls an ATen operator; `int` and `float` arguments are scalars, lists are lists of ints, the rest handles."""
        known = self.services.operators
        if schema not in known:
            known[schema] = self._handle(self.services.ops.resolve, schema.encode())
        values = (_abi.Value * len(arguments))()
        for value, argument in zip(values, arguments):
            if isinstance(argument, Tensor):
                value.tag, value.payload.t = _abi.T_TENSOR, argument.handle
            elif isinstance(argument, float):
                value.tag, value.payload.f = _abi.T_FLOAT, argument
            elif isinstance(argument, int):
                value.tag, value.payload.i = _abi.T_INT, argument
            else:
                value.tag, value.count = _abi.T_INTS, len(argument)
                value.payload.ints = (c.c_int64 * len(argument))(*argument)
        back = _abi.Value()
        self.check(self.services.ops.call, known[schema], values, len(arguments), c.byref(back), 1)
        return Tensor(back.payload.t)

    def model(self):
        """The model that is being unlearned."""
        return self._handle(self.services.models.find, b"model")

    def forward(self, model, inputs):
        """Outputs as training computes them, in the graph."""
        given = _abi.Forward(c.sizeof(_abi.Forward), 0, inputs)
        return Tensor(self._handle(self.services.models.forward, model, c.byref(given)))

    def parameters(self, model):
        """Names and handles of the trainable parameters."""
        out = _abi.NamedTensors(c.sizeof(_abi.NamedTensors))
        self.check(self.services.models.parameters, model, c.byref(out))
        return named(out)

    def bits(self, label, count):
        """`count` 32-bit numbers of the stream with that label at this step."""
        stream = self._handle(self.services.rng.stream, label.encode())
        out = (c.c_uint32 * count)()
        self.check(self.services.rng.bits, stream, out, count)
        return out


class Tensor:
    """A handle, valid during its callback."""

    def __init__(self, handle):
        self.handle = handle


def named(tensors):
    """[(name, handle or None)] of a `lethe_named_tensors`."""
    return [(tensors.names[i].decode() if tensors.names else "", tensors.tensors[i]) for i in range(tensors.count)]
