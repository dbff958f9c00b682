# SPDX-License-Identifier: Apache-2.0
"""The host's tensors as arrays: NumPy's, or torch's where the torch that can be imported is the host's own."""

import ctypes as c
import importlib.util
import os
import re

from . import _abi
from ._host import Failure

_BFLOAT16, _FLOAT32 = 15, 6
# LETHE_DTYPE_* by the kind and bits of DLPack (code 0: int, 1: unsigned, 2: float, 6: bool).
_DTYPES = {(1, 8): 0, (0, 8): 1, (0, 16): 2, (0, 32): 3, (0, 64): 4, (2, 16): 5, (2, 32): 6, (2, 64): 7, (6, 8): 11}
_NAMES = {"uint8": 0, "int8": 1, "int16": 2, "int32": 3, "int64": 4, "float16": 5, "float32": 6, "float64": 7,
          "bool": 11}
_TYPE_LETTERS = {0: "i", 1: "u", 2: "f", 6: "b"}


class _Export:
    """An exported tensor's memory, which lives as long as an array that looks at it."""

    def __init__(self, address):
        self._managed = _abi.DLManaged.from_address(address)
        self._address = address
        tensor = self._managed.tensor
        shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
        width = tensor.bits // 8
        self.__array_interface__ = {
            "version": 3, "shape": shape, "typestr": f"<{_TYPE_LETTERS[tensor.code]}{width}",
            # Read-only: the tensor is lent.
            "data": ((tensor.data or 0) + tensor.byte_offset, True),
            "strides": tuple(tensor.strides[i] * width for i in range(tensor.ndim)) if tensor.strides else None}

    def __del__(self):
        self._managed.deleter(self._address)


class NumPy:
    """Arrays of NumPy. Tensors of the CPU are looked at in place, read-only; others, and bfloat16, are copied."""

    name = "numpy"

    def __init__(self):
        try:
            import numpy
        except ImportError as error:
            raise Failure(f"there is no NumPy for this Python ({error}); install it, or let LETHE_PYTHON name a Python "
                          "that has it") from None
        self.numpy = self.module = numpy

    def view(self, call, handle):
        """The tensor behind a handle; None for none."""
        if not handle:
            return None
        managed = call.export(handle)
        tensor = _abi.DLManaged.from_address(managed).tensor
        if tensor.device_type == 1 and (tensor.code, tensor.bits) in _DTYPES:
            return self.numpy.asarray(_Export(managed))
        shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
        dtype = _DTYPES.get((tensor.code, tensor.bits), _FLOAT32)
        _abi.DLManaged.from_address(managed).deleter(managed)
        array = self.numpy.empty(shape, [name for name, number in _NAMES.items() if number == dtype][0])
        call.read(handle, dtype, array.ctypes.data, array.nbytes)
        return array

    def give(self, call, array):
        """A tensor of the run's device with a copy of the array's elements."""
        array = self.numpy.asarray(array)
        if array.dtype.name not in _NAMES:
            raise Failure(f"an array of type {array.dtype} has no place in Lethe; float32 would be right")
        # ascontiguousarray would make a scalar one-dimensional.
        array = self.numpy.require(array, requirements="C")
        return call.make(_NAMES[array.dtype.name], array.shape, array.ctypes.data, array.nbytes)

    def match(self, array, like):
        """The array with the element type of another."""
        return self.numpy.asarray(array, dtype=like.dtype)

    def leaf(self, array):
        """NumPy keeps no graph: an author gives gradients."""
        return array

    def gradient(self, losses, outputs):
        """There is no graph to take it from."""
        raise Failure("a term of NumPy arrays needs 'gradient', the derivative of each loss with respect to its outputs; "
                      "torch tensors have it taken by autograd")

    def values(self, losses):
        """The numbers without a graph."""
        return losses


class Torch:
    """Tensors of torch, on the run's device, in place. Do not write to them: they are lent."""

    name = "torch"

    def __init__(self, libtorch):
        reason = self.why_not(libtorch)
        if reason:
            raise Failure(f"this plugin asks for torch tensors, but {reason}")
        import torch
        self.torch = self.module = torch
        api = c.pythonapi
        api.PyCapsule_New.restype, api.PyCapsule_New.argtypes = c.py_object, [c.c_void_p, c.c_char_p, c.c_void_p]
        api.PyCapsule_GetPointer.restype = c.c_void_p
        api.PyCapsule_GetPointer.argtypes = [c.py_object, c.c_char_p]
        api.PyCapsule_SetName.argtypes = [c.py_object, c.c_char_p]

    @staticmethod
    def why_not(libtorch):
        """Why torch cannot be imported beside the host's LibTorch; None where it can. Two versions in one process fail
        with undefined symbols, so that this is asked before anything is imported."""
        found = importlib.util.find_spec("torch")
        if found is None or not found.submodule_search_locations:
            return "this Python has none"
        theirs = _version(os.path.join(list(found.submodule_search_locations)[0], "version.py"))
        ours = _version(os.path.join(os.path.dirname(libtorch), "version.py")) if libtorch else None
        if ours is None:
            return "the host's LibTorch does not say which build it is"
        if theirs != ours:
            return f"this Python's is {theirs and theirs[0]} and the host's LibTorch is {ours[0]}; the same would be right"
        return None

    def view(self, call, handle):
        """The tensor behind a handle, without its graph; None for none."""
        if not handle:
            return None
        # The capsule gives the memory to torch, which frees it.
        return self.torch.utils.dlpack.from_dlpack(
            c.pythonapi.PyCapsule_New(call.export(handle), b"dltensor_versioned", None))

    def give(self, call, array):
        """The same memory as a tensor of the host."""
        tensor = self.torch.as_tensor(array).detach()
        if str(tensor.dtype).removeprefix("torch.") not in (*_NAMES, "bfloat16"):
            raise Failure(f"a tensor of type {tensor.dtype} has no place in Lethe; torch.float32 would be right")
        # Conjugated and negated views have no place in DLPack; a contiguous copy has no such bits.
        capsule = tensor.contiguous().__dlpack__(max_version=(1, 0))
        handle = call.take(c.pythonapi.PyCapsule_GetPointer(capsule, b"dltensor_versioned"))
        c.pythonapi.PyCapsule_SetName(capsule, b"used_dltensor_versioned")
        return handle

    def match(self, array, like):
        """The tensor with the element type of another, on its device."""
        return self.torch.as_tensor(array, dtype=like.dtype, device=like.device)

    def leaf(self, array):
        """The outputs as the beginning of the author's graph."""
        return array.requires_grad_()

    def gradient(self, losses, outputs):
        """d losses_i / d outputs_i, [n, ...]: a sample's loss depends on its own outputs alone."""
        if not losses.requires_grad:
            return self.torch.zeros_like(outputs)
        return self.torch.autograd.grad(losses.sum(), outputs, retain_graph=True, allow_unused=True,
                                        materialize_grads=True)[0]

    def values(self, losses):
        """The numbers without a graph."""
        return losses.detach()


def _version(path):
    """(version, commit) of a torch, read without importing it; None where the file does not say."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return None
    found = [re.search(rf"^{name}\s*=\s*['\"]([^'\"]+)['\"]", text, re.M) for name in ("__version__", "git_version")]
    return tuple(match.group(1) for match in found) if all(found) else None


def choose(wanted, libtorch):
    """The arrays that a strategy asks for: 'numpy', 'torch', or 'any', torch where it can be had."""
    if wanted not in ("numpy", "torch", "any"):
        raise Failure(f"'arrays' is {wanted!r}; 'numpy', 'torch' or 'any' would be right")
    if wanted == "torch" or wanted == "any" and Torch.why_not(libtorch) is None:
        return _one(Torch, libtorch)
    return _one(NumPy)


_made = {}


def _one(kind, *arguments):
    if kind not in _made:
        _made[kind] = kind(*arguments)
    return _made[kind]
