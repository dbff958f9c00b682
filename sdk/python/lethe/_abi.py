# SPDX-License-Identifier: Apache-2.0
"""The C ABI as its headers declare it: `sdk/include/lethe` says what each field means, who owns it and from where a
function may be called. Sizes are checked against those of `sdk/src/layout.c` when this is imported."""

import ctypes as c

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, EXHAUSTED, PRECONDITION, INTERNAL = 0, 1, 2, 3, 8, 9, 13
T_NONE, T_BOOL, T_INT, T_FLOAT, T_STR, T_TENSOR, T_INTS = 0, 1, 2, 3, 4, 5, 6
SETS = {"forget": 1, "retain": 2}
MEASURED_SETS = {"forget": 1, "retain": 2, "test": 4, "validation": 8}
DIRECTIONS = {"neutral": 0, "higher": 1, "lower": 2, "retrained": 3}
RESULT_INTERVAL = 1
TERM_NO_CLEAN_LOSS = 1
WALK_TRAIN, WALK_STEP = 1, 2

Handle = c.c_void_p  # lethe_tensor, lethe_op, lethe_rng, lethe_model, lethe_ctx, lethe_self
Text = c.c_char_p
Status = c.c_int32
P = c.POINTER


class Value(c.Structure):
    class Payload(c.Union):
        _fields_ = [("i", c.c_int64), ("f", c.c_double), ("s", Text), ("t", Handle), ("ints", P(c.c_int64)),
                    ("raw", c.c_uint64)]

    _fields_ = [("tag", c.c_uint32), ("count", c.c_uint32), ("payload", Payload)]


class Error(c.Structure):
    _fields_ = [("size", c.c_uint32), ("code", c.c_int32), ("message_cap", c.c_uint32), ("message_len", c.c_uint32),
                ("message", c.c_void_p), ("detail", c.c_int64)]


def _function(result, *arguments):
    return c.CFUNCTYPE(result, *arguments)


def _call(*arguments):
    """A function of the host or of a plugin: status, and an error at the end."""
    return c.CFUNCTYPE(Status, *arguments, P(Error))


def _struct(name, size, *fields):
    struct = type(name, (c.Structure,), {"_fields_": [("size", c.c_uint32), *fields]})
    if c.sizeof(struct) != size:
        raise ImportError(f"lethe_{name} has {c.sizeof(struct)} bytes here and {size} in the ABI")
    return struct


_reserved = ("reserved0", c.c_uint32)

NamedTensors = _struct("named_tensors", 24, ("count", c.c_uint32), ("names", P(Text)), ("tensors", P(Handle)))
Progress = _struct("progress", 56, _reserved, *[(name, c.c_int64) for name in (
    "step", "steps", "epoch", "epochs", "step_in_epoch", "steps_in_epoch")])
Stream = _struct("stream", 32, _reserved, ("ctx", c.c_void_p),
                 ("read", _function(c.c_int64, c.c_void_p, c.c_void_p, c.c_uint64)),
                 ("write", _function(c.c_int64, c.c_void_p, c.c_void_p, c.c_uint64)))
Host = _struct("host", 32, ("abi_minor", c.c_uint32), ("name", Text), ("version", Text),
               ("service", _function(c.c_void_p, c.c_void_p, Text)))
Core = _struct("core", 40, _reserved, ("log", _function(None, Handle, c.c_int32, Text)),
               ("cancelled", _function(c.c_int32, Handle)), ("scratch", c.c_void_p),
               ("report", _call(Handle, Text, P(Value))))
Tensors = _struct("tensors", 72, _reserved, ("shape", _call(Handle, Handle, P(c.c_int64), c.c_uint32, P(c.c_uint32))),
                  ("dtype", _call(Handle, Handle, P(c.c_int32))),
                  ("read", _call(Handle, Handle, c.c_int32, c.c_void_p, c.c_uint64)),
                  ("make", _call(Handle, c.c_int32, P(c.c_int64), c.c_uint32, c.c_void_p, c.c_uint64, P(Handle))),
                  ("keep", _call(Handle, Handle, P(Handle))), ("drop", _function(None, Handle)),
                  ("mark", _function(c.c_uint64, Handle)), ("release_to", _call(Handle, c.c_uint64)))
Operators = _struct("ops", 24, _reserved, ("resolve", _call(Handle, Text, P(Handle))),
                    ("call", _call(Handle, Handle, P(Value), c.c_uint32, P(Value), c.c_uint32)))
DLPack = _struct("dlpack", 24, _reserved, ("export_tensor", _call(Handle, Handle, P(c.c_void_p))),
                 ("import_tensor", _call(Handle, c.c_void_p, P(Handle))))
Random = _struct("rngs", 32, _reserved, ("stream", _call(Handle, Text, P(Handle))),
                 ("bits", _call(Handle, Handle, P(c.c_uint32), c.c_uint64)), ("generator", c.c_void_p))
Forward = _struct("forward", 16, ("flags", c.c_uint32), ("inputs", Handle))
Models = _struct("models", 48, _reserved, ("find", _call(Handle, Text, P(Handle))),
                 ("forward", _call(Handle, Handle, P(Forward), P(Handle))),
                 ("parameters", _call(Handle, Handle, P(NamedTensors))),
                 ("buffers", _call(Handle, Handle, P(NamedTensors))), ("resize", c.c_void_p))
Batch = _struct("batch", 48, _reserved, ("forget_count", c.c_int64), ("retain_count", c.c_int64), ("inputs", Handle),
                ("labels", Handle), ("indices", Handle))
Term = _struct("term", 80, ("set", c.c_uint32), ("name", Text), ("coefficient", c.c_double), ("losses", Handle),
               ("clean_losses", Handle), ("importance", Handle), ("timesteps", Handle), ("indices", Handle),
               ("penalty", Handle), ("flags", c.c_uint32), _reserved)
TermSink = _struct("term_sink", 16, _reserved, ("add", _call(Handle, P(Term))))
ObjectiveIn = _struct("objective_in", 56, ("sets", c.c_uint32), ("progress", P(Progress)), ("model", Handle),
                      ("batches", c.c_void_p), ("batch_count", c.c_uint32), ("batch_stride", c.c_uint32),
                      ("schedule", Text), ("micro_batch", c.c_uint32), _reserved)
Objective = _struct("objective", 16, _reserved, ("terms", _call(Handle, Handle, P(ObjectiveIn), P(TermSink))))
ReweighIn = _struct("reweigh_in", 72, ("set", c.c_uint32), ("progress", P(Progress)), ("term", Text),
                    ("count", c.c_int64), ("losses", Handle), ("clean_losses", Handle), ("importance", Handle),
                    ("timesteps", Handle), ("indices", Handle))
Reweighter = _struct("reweighter", 16, _reserved, ("weigh", _call(Handle, Handle, P(ReweighIn), P(Handle))))
Walk = _struct("walk", 24, ("flags", c.c_uint32), ("batch", c.c_int64), ("guidance", c.c_double))
Mask = _struct("mask", 32, _reserved, ("begin", _call(Handle, Handle, P(NamedTensors), P(Walk))),
               ("accumulate", _call(Handle, Handle, P(NamedTensors), c.c_int64)),
               ("finish", _call(Handle, Handle, P(Handle), c.c_uint32)))
Updater = _struct("updater", 32, _reserved, ("combine", _call(Handle, Handle, P(Progress))),
                  ("after_step", _call(Handle, Handle, P(Progress))), ("scale_terms", c.c_void_p))
MetricBegin = _struct("metric_begin", 32, ("sets", c.c_uint32), ("model", Handle), ("name", Text), ("classes", c.c_int64))
MetricIn = _struct("metric_in", 72, ("set", c.c_uint32), ("count", c.c_int64), ("labels", Handle), ("indices", Handle),
                   ("outputs", Handle), ("losses", Handle), ("timesteps", Handle), ("inputs", Handle),
                   ("samples", Handle))
Result = _struct("result", 72, ("direction", c.c_uint32), ("name", Text), ("value", c.c_double), ("unit", Text),
                 ("protocol", Text), ("set", c.c_uint32), ("flags", c.c_uint32), ("lower", c.c_double),
                 ("upper", c.c_double), ("samples", c.c_int64))
ResultSink = _struct("result_sink", 16, _reserved, ("report", _call(Handle, P(Result))))
Metric = _struct("metric", 32, _reserved, ("begin", _call(Handle, Handle, P(MetricBegin))),
                 ("update", _call(Handle, Handle, P(MetricIn))), ("finish", _call(Handle, Handle, P(ResultSink))))
StepTerm = _struct("step_term", 32, ("set", c.c_uint32), ("name", Text), ("coefficient", c.c_double), ("loss", Handle))
Steps = _struct("steps", 88, _reserved, ("count", _call(Handle, P(c.c_uint32))),
                ("term", _call(Handle, c.c_uint32, P(StepTerm))),
                ("gradient", _call(Handle, c.c_uint32, P(NamedTensors))),
                ("set_direction", _call(Handle, P(Handle), c.c_uint32)), ("dot", c.c_void_p), ("axpy", c.c_void_p),
                ("learning_rate", _call(Handle, P(c.c_double))), ("evaluate", c.c_void_p), ("advance", c.c_void_p),
                ("restore", c.c_void_p))
CreateInfo = _struct("create_info", 32, ("param_count", c.c_uint32), ("host", P(Host)), ("params", P(Value)),
                     ("strategy", c.c_void_p))
Strategy = _struct("strategy", 88, ("state_version", c.c_uint32), ("id", Text), ("role", Text), ("table", c.c_void_p),
                   ("create", _call(Handle, P(CreateInfo), P(Handle))), ("destroy", _function(None, Handle)),
                   ("prepare", _call(Handle, Handle)), ("finish", _call(Handle, Handle)),
                   ("save_state", _call(Handle, Handle, P(Stream))),
                   ("load_state", _call(Handle, Handle, c.c_uint32, P(Stream))),
                   ("retune", _call(Handle, Handle, P(CreateInfo))))
Plugin = _struct("plugin", 40, ("strategy_count", c.c_uint32), ("id", Text), ("version", Text),
                 ("strategies", P(Strategy)), ("strategy_stride", c.c_uint32), _reserved)


class Request(c.Structure):
    """What the bridge hands over; `struct request` of `Sources/PythonBridge/bridge.c`."""

    _fields_ = [("host", P(Host)), ("path", Text), ("text", c.c_void_p), ("length", c.c_uint64), ("libtorch", Text),
                ("interpreter", Text), ("out", P(P(Plugin))), ("error", P(Error)), ("status", c.c_int32),
                ("reserved0", c.c_int32)]


class DLTensor(c.Structure):
    """`DLTensor` of DLPack 1.0."""

    _fields_ = [("data", c.c_void_p), ("device_type", c.c_int32), ("device_id", c.c_int32), ("ndim", c.c_int32),
                ("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16), ("shape", P(c.c_int64)),
                ("strides", P(c.c_int64)), ("byte_offset", c.c_uint64)]


class DLManaged(c.Structure):
    """`DLManagedTensorVersioned` of DLPack 1.0."""

    _fields_ = [("major", c.c_uint32), ("minor", c.c_uint32), ("manager", c.c_void_p),
                ("deleter", c.CFUNCTYPE(None, c.c_void_p)), ("flags", c.c_uint64), ("tensor", DLTensor)]


if c.sizeof(Value) != 16 or c.sizeof(Error) != 32:
    raise ImportError("lethe_value or lethe_error have another size here than in the ABI")
