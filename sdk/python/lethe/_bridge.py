# SPDX-License-Identifier: Apache-2.0
"""Between the host's tables and an author's classes: runs the source, and answers callbacks until the process ends."""

import ctypes as c
import json
import os
import re
import sys
import traceback
import types

from . import _abi, _arrays, _roles, _running
from ._host import Cancelled, Failure, HostCall, Services, Tensor, named

_alive = []  # what the host has addresses of
_tables = {}  # by path and text, so that the same table is given every time
_instances = {}
_BASES = {"lethe.objective/1": _roles.Objective, "lethe.reweighter/1": _roles.Reweighter, "lethe.mask/1": _roles.Mask,
          "lethe.updater/1": _roles.Updater, "lethe.metric/1": _roles.Metric}
_SET_NAMES = {1: "forget", 2: "retain"}
_NARROW = "aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)"
_DETACH = "aten::detach(Tensor(a) self) -> Tensor(a)"
_SUB = "aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
_MUL = "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor"
_SUM = "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
_ADD = "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
_COPY = "aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)"


def enter(address):
    """Answers the bridge's request."""
    request = _abi.Request.from_address(address)
    path = os.fsdecode(request.path)
    try:
        if not _tables:
            _start(request)
        text = c.string_at(request.text, request.length).decode("utf-8")
        if (path, text) not in _tables:
            _tables[path, text] = _plugin(path, text, os.fsdecode(request.libtorch))
        request.out[0] = c.pointer(_tables[path, text])
        request.status = _abi.OK
    except BaseException as error:
        request.status = _fail(request.error, error, path)


def _start(request):
    """Makes this the Python that its user knows: the packages of the interpreter, in its order."""
    account = json.loads(request.interpreter)
    sys.path[:] = sys.path[:1] + [folder for folder in account["path"] if folder not in sys.path[:1]]
    sys.executable = account["executable"]
    _running.services = Services(request.host)
    sys.stdout, sys.stderr = _running.LogLines("info"), _running.LogLines("warning")


def _plugin(path, text, libtorch):
    """Runs a source and makes the plugin's table."""
    manifest = json.loads("\n".join(line[1:] for line in re.search(
        r"^# /// lethe[ \t\r]*\n((?:#.*\n)*?)# ///[ \t\r]*$", text, re.M).group(1).splitlines()))
    module = types.ModuleType(re.sub(r"\W", "_", os.path.splitext(os.path.basename(path))[0]))
    module.__file__ = path
    sys.modules[module.__name__ + "__lethe"] = module
    module.__name__ += "__lethe"
    _roles.registered.clear()
    exec(compile(text, path, "exec"), module.__dict__)
    marked = dict(_roles.registered)
    strategies = (_abi.Strategy * len(manifest["strategies"]))()
    for entry, described in zip(strategies, manifest["strategies"]):
        _fill(entry, described, marked, path, libtorch)
    plugin = _abi.Plugin(c.sizeof(_abi.Plugin), len(strategies), manifest["id"].encode(), manifest["version"].encode(),
                         strategies, c.sizeof(_abi.Strategy), 0)
    _alive.append((strategies, plugin))
    return plugin


def _fill(entry, described, marked, path, libtorch):
    identifier, role = described["id"], described["role"]
    if role not in _BASES:
        raise Failure(f"strategy '{identifier}' has the role '{role}', which Python cannot have; "
                      f"{', '.join(_BASES)} would be right")
    kind = marked.get(identifier)
    if kind is None:
        raise Failure(f"the manifest has the strategy '{identifier}', and no class is marked "
                      f"@lethe.strategy(\"{identifier}\")")
    base = _BASES[role]
    if not issubclass(kind, base):
        raise Failure(f"class {kind.__name__} is no lethe.{base.__name__}, which the role '{role}' of '{identifier}' needs")
    if hasattr(kind, "save") != hasattr(kind, "load"):
        raise Failure(f"class {kind.__name__} has one of 'save' and 'load', both or neither would be right")
    keys = [parameter["key"] for parameter in described.get("params", [])]
    table = _ROLES[base](kind, path)
    entry.size, entry.id, entry.role = c.sizeof(_abi.Strategy), identifier.encode(), role.encode()
    entry.state_version = described.get("state_version", 1) if hasattr(kind, "save") else 0
    entry.table = c.addressof(table)
    _alive.append(table)
    callbacks = {"create": _creating(kind, keys, libtorch), "destroy": None}
    if hasattr(kind, "prepare"):
        callbacks["prepare"] = lambda instance, call: instance.prepare()
    if hasattr(kind, "finish"):
        callbacks["finish"] = lambda instance, call: instance.finish()
    if hasattr(kind, "save"):
        callbacks["save_state"] = _save
        callbacks["load_state"] = _loading(entry.state_version)
    if hasattr(kind, "retune"):
        callbacks["retune"] = lambda instance, call, info: instance.retune(**_parameters(keys, info.contents))
    for name, body in callbacks.items():
        wrap = _destroying if name == "destroy" else lambda b: _guarded(b, path, creates=name == "create")
        _slot(entry, name, wrap(body))


def _slot(table, name, function):
    """Puts a callback into a table and keeps it."""
    kind = dict((field[0], field[1]) for field in type(table)._fields_)[name]
    callback = kind(function)
    _alive.append(callback)
    setattr(table, name, callback)


def _guarded(body, path, creates=False):
    """A callback: status out, exceptions into the error. No exception crosses the border."""

    def answer(*arguments):
        *given, error = arguments
        instance = None if creates else _instances.get(given.pop(0))
        call = HostCall(_running.services, given.pop(0))
        _running.current = call
        try:
            body(instance, call, *given)
            return _abi.OK
        except BaseException as problem:
            return _fail(error, problem, path)
        finally:
            _running.current = None

    return answer


def _fail(error, problem, path):
    """Writes an exception as one sentence, with the author's line."""
    if isinstance(problem, Cancelled):
        return _abi.CANCELLED
    code = problem.code if isinstance(problem, Failure) else _abi.INTERNAL
    text = str(problem) if isinstance(problem, Failure) else f"{type(problem).__name__}: {problem}".rstrip(": ")
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == path]
    if isinstance(problem, SyntaxError) and problem.filename == path:
        lines, text = [problem.lineno], f"SyntaxError: {problem.msg}"
    if lines:
        text += f" ({os.path.basename(path)}:{lines[-1]})"
    if error:
        raw = text.encode()
        out = error.contents
        out.code, out.message_len = code, len(raw)
        if out.message and out.message_cap:
            cut = raw[:out.message_cap - 1] + b"\0"
            c.memmove(out.message, cut, len(cut))
    return code


def _parameters(keys, info):
    """The values that the host gives, by the manifest's keys."""
    values = {}
    for index, key in enumerate(keys):
        value = info.params[index]
        payload = value.payload
        values[key] = {_abi.T_BOOL: lambda: bool(payload.i), _abi.T_INT: lambda: payload.i,
                       _abi.T_FLOAT: lambda: payload.f, _abi.T_STR: lambda: payload.s.decode()}.get(
                           value.tag, lambda: None)()
    return values


def _creating(kind, keys, libtorch):
    def create(_, call, info, out):
        made = kind(**_parameters(keys, info.contents))
        made._arrays = _arrays.choose(kind.arrays, libtorch)
        number = max(_instances, default=0) + 1
        _instances[number] = made
        out[0] = number

    return create


def _destroying(_):
    def destroy(handle):
        _instances.pop(handle, None)

    return destroy


def _save(instance, call, stream):
    data = bytes(instance.save())
    data = len(data).to_bytes(8, "little") + data
    stream, at = stream.contents, 0
    while at < len(data):
        wrote = stream.write(stream.ctx, data[at:], len(data) - at)
        if wrote <= 0:
            raise Failure("its state could not be written")
        at += wrote


def _loading(known):
    def load(instance, call, version, stream):
        def take(count):
            got = b""
            buffer = c.create_string_buffer(max(1, min(count, 1 << 20)))
            while len(got) < count:
                read = stream.contents.read(stream.contents.ctx, buffer, min(count - len(got), len(buffer)))
                if read <= 0:
                    raise Failure("its saved state ends too early")
                got += buffer.raw[:read]
            return got

        if version != known:
            raise Failure(f"its saved state has the version {version}; the manifest's state_version is {known}")
        instance.load(take(int.from_bytes(take(8), "little")))

    return load


def _progress(raw):
    return _roles.Progress(*(getattr(raw.contents, name) for name in _roles.Progress.__dataclass_fields__))


def _objective(kind, path):
    def terms(instance, call, given, sink):
        arrays, given = instance._arrays, given.contents
        progress = _progress(given.progress)
        schedule = given.schedule.decode() if given.schedule else None
        for index in range(given.batch_count):
            raw = _abi.Batch.from_address(given.batches + index * given.batch_stride)
            outputs = call.forward(given.model, raw.inputs)
            batch = _roles.Batch(arrays, call, raw, outputs, progress, schedule)
            for term in instance.terms(batch) or []:
                _add(call, sink, arrays, raw, outputs, batch, term)

    table = _abi.Objective(c.sizeof(_abi.Objective))
    _slot(table, "terms", _guarded(terms, path))
    return table


def _add(call, sink, arrays, raw, outputs, batch, term):
    if term.set not in _abi.SETS:
        raise Failure(f"a term has the set {term.set!r}; 'forget' or 'retain' would be right")
    rows = batch.rows(term.set)
    count = rows.stop - rows.start
    if tuple(term.losses.shape) != (count,):
        raise Failure(f"the losses of '{term.set}' have the shape {list(term.losses.shape)}; [{count}] would be right")
    gradient = term.gradient
    if gradient is None:
        gradient = arrays.gradient(term.losses, batch.outputs)[rows]
    if tuple(gradient.shape) != tuple(batch.outputs[rows].shape):
        raise Failure(f"the gradient of '{term.set}' has the shape {list(gradient.shape)}; "
                      f"{list(batch.outputs[rows].shape)} would be right")
    # losses + <gradient, z - z0> with z0 the same numbers without a graph: the value is that of losses to the bit, the
    # gradient with respect to the outputs is the author's.
    z = call.operator(_NARROW, outputs, 0, rows.start, count)
    moved = call.operator(_SUB, z, call.operator(_DETACH, z))
    products = call.operator(_MUL, moved, Tensor(arrays.give(call, arrays.match(gradient, batch.outputs))))
    change = call.operator(_SUM, products, list(range(1, len(batch.outputs.shape))))
    losses = call.operator(_ADD, change, Tensor(arrays.give(call, arrays.match(arrays.values(term.losses), batch.outputs))))
    indices = call.operator(_NARROW, Tensor(raw.indices), 0, rows.start, count)
    given = [None if array is None else arrays.give(call, array) for array in (term.clean_losses, term.importance)]
    name = (term.name or term.set).encode()
    added = _abi.Term(c.sizeof(_abi.Term), _abi.SETS[term.set], name, float(term.coefficient), losses.handle, *given, None,
                      indices.handle, None, 0, 0)
    call.check(sink.contents.add, c.byref(added))


def _reweighter(kind, path):
    def weigh(instance, call, given, out):
        arrays, given = instance._arrays, given.contents
        views = [arrays.view(call, getattr(given, name)) for name in (
            "losses", "clean_losses", "importance", "timesteps", "indices")]
        weights = instance.weights(_roles.SeenTerm(
            given.term.decode(), _SET_NAMES.get(given.set), *views, _progress(given.progress)))
        if weights is not None:
            out[0] = arrays.give(call, arrays.match(weights, views[0]))

    table = _abi.Reweighter(c.sizeof(_abi.Reweighter))
    _slot(table, "weigh", _guarded(weigh, path))
    return table


def _mask(kind, path):
    def begin(instance, call, parameters, walk):
        instance.begin([(name, instance._arrays.view(call, handle)) for name, handle in named(parameters.contents)])

    def accumulate(instance, call, gradients, count):
        instance.accumulate([instance._arrays.view(call, handle) for _, handle in named(gradients.contents)], count)

    def finish(instance, call, out, count):
        scores = instance.scores()
        if len(scores) != count:
            raise Failure(f"there are scores of {len(scores)} parameters; {count} would be right")
        for index, array in enumerate(scores):
            out[index] = instance._arrays.give(call, array)

    table = _abi.Mask(c.sizeof(_abi.Mask))
    for name, body in (("begin", begin), ("accumulate", accumulate), ("finish", finish)):
        _slot(table, name, _guarded(body, path))
    return table


def _matched(arrays, call, array, handle):
    return arrays.give(call, arrays.match(array, arrays.view(call, handle)))


def _updater(kind, path):
    def combine(instance, call, progress):
        arrays, steps, count = instance._arrays, call.services.steps, c.c_uint32()
        known = call.parameters(call.model())
        call.check(steps.count, c.byref(count))
        terms = []
        for index in range(count.value):
            term, found = _abi.StepTerm(c.sizeof(_abi.StepTerm)), _abi.NamedTensors(c.sizeof(_abi.NamedTensors))
            call.check(steps.term, index, c.byref(term))
            call.check(steps.gradient, index, c.byref(found))
            gradients = [arrays.view(call, handle) if handle else arrays.module.zeros_like(arrays.view(call, like))
                         for (_, handle), (_, like) in zip(named(found), known)]
            terms.append(_roles.StepTerm(term.name.decode(), _SET_NAMES.get(term.set), term.coefficient, gradients))
        given = instance.combine(terms, _progress(progress))
        if given is None or len(given) != len(known):
            raise Failure(f"'combine' gives {'nothing' if given is None else f'{len(given)} arrays'}; an array for each of "
                          f"the {len(known)} parameters would be right")
        # A number of Python's or of NumPy's in the formula must not change the type of the weights.
        direction = [_matched(arrays, call, array, handle) for array, (_, handle) in zip(given, known)]
        call.check(steps.set_direction, (_abi.Handle * len(direction))(*direction), len(direction))

    def after_step(instance, call, progress):
        known = call.parameters(call.model())
        fresh = instance.after_step([(name, instance._arrays.view(call, handle)) for name, handle in known],
                                    _progress(progress))
        if fresh is not None and len(fresh) != len(known):
            raise Failure(f"there are values of {len(fresh)} parameters; {len(known)} would be right")
        for (_, handle), array in zip(known, fresh or []):
            if array is not None:
                call.operator(_COPY, Tensor(handle), Tensor(instance._arrays.give(call, array)))

    table = _abi.Updater(c.sizeof(_abi.Updater))
    bodies = [(name, body) for name, body in (("combine", combine), ("after_step", after_step)) if hasattr(kind, name)]
    if not bodies:
        raise Failure(f"class {kind.__name__} is an updater with neither 'combine' nor 'after_step'")
    for name, body in bodies:
        _slot(table, name, _guarded(body, path))
    return table


def _metric(kind, path):
    names = {bit: name for name, bit in _abi.MEASURED_SETS.items()}

    def begin(instance, call, given):
        given = given.contents
        instance.begin(given.name.decode(), [name for bit, name in names.items() if given.sets & bit])

    def update(instance, call, given):
        raw = given.contents
        instance.update(_roles.MeasuredBatch(instance._arrays, call, raw, names.get(raw.set)))

    def finish(instance, call, sink):
        for result in instance.results():
            _report(call, sink, result)

    table = _abi.Metric(c.sizeof(_abi.Metric))
    for name, body in (("begin", begin), ("update", update), ("finish", finish)):
        _slot(table, name, _guarded(body, path))
    return table


def _report(call, sink, result):
    if result.set is not None and result.set not in _abi.MEASURED_SETS:
        raise Failure(f"the result '{result.name}' has the set {result.set!r}; one of "
                      f"{', '.join(map(repr, _abi.MEASURED_SETS))} or None would be right")
    if result.direction not in _abi.DIRECTIONS:
        raise Failure(f"the result '{result.name}' has the direction {result.direction!r}; one of "
                      f"{', '.join(map(repr, _abi.DIRECTIONS))} would be right")
    lower, upper = (0.0, 0.0) if result.interval is None else map(float, result.interval)
    given = _abi.Result(c.sizeof(_abi.Result), _abi.DIRECTIONS[result.direction], str(result.name).encode(),
                        float(result.value), str(result.unit).encode(),
                        None if result.protocol is None else str(result.protocol).encode(),
                        _abi.MEASURED_SETS.get(result.set, 0),
                        0 if result.interval is None else _abi.RESULT_INTERVAL, lower, upper, int(result.samples))
    call.check(sink.contents.report, c.byref(given))


_ROLES = {_roles.Objective: _objective, _roles.Reweighter: _reweighter, _roles.Mask: _mask, _roles.Updater: _updater,
          _roles.Metric: _metric}
