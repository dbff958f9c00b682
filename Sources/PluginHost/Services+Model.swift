import CLethe
import Tensors

/// "lethe.autograd/1" and "lethe.model/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let autograd: UnsafePointer<lethe_autograd> = unsafe make(
    lethe_autograd(
      size: size(of: lethe_autograd.self), reserved0: 0,
      gradient: { context, outputs, seeds, outputCount, inputs, inputCount, flags, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let outputs = unsafe try session.tensors(outputs, outputCount, 1)
          let seeds = unsafe seeds == nil ? [] : unsafe try session.tensors(seeds, outputCount, 2)
          let inputs = unsafe try session.tensors(inputs, inputCount, 4)
          let gradients = try session.gradient(outputs, seeds, inputs, flags)
          guard let out = unsafe out else { throw .argument(7, "argument 7 is NULL") }
          var handles: [lethe_tensor?] = unsafe []
          for gradient in gradients { unsafe handles.append(try session.lend(optional: gradient)) }
          for unsafe(index, handle) in unsafe handles.enumerated() { unsafe out[index] = handle }
        }
      },
      set_no_grad: { context, off in
        var wasOff: Int32 = 0
        _ = unsafe HostSession.serve(context, nil, mayFail: false) { session throws(Refusal) in
          wasOff = GradientMode.isOn ? 0 : 1
          GradientMode.set(off == 0)
        }
        return wasOff
      }))

  nonisolated(unsafe) static let models: UnsafePointer<lethe_models> = unsafe make(
    lethe_models(
      size: size(of: lethe_models.self), reserved0: 0,
      find: { context, name, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          guard let name = unsafe CStruct.text(name) else { throw .argument(1, "argument 1 is NULL") }
          guard let out = unsafe out else { throw .argument(2, "argument 2 is NULL") }
          unsafe out.pointee = session.handle(try session.find(name))
        }
      },
      forward: { context, model, input, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let model = unsafe try session.model(model, 1)
          guard let out = unsafe out else { throw .argument(3, "argument 3 is NULL") }
          unsafe out.pointee = try session.lend(session.forward(model, input))
        }
      },
      parameters: { context, model, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let model = unsafe try session.model(model, 1)
          let list = unsafe try session.lend(attempt { try session.world.parameters(of: model) })
          unsafe try CStruct.fill(out, list, least: MemoryLayout<lethe_named_tensors>.size, "lethe_named_tensors")
        }
      },
      buffers: { context, model, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let model = unsafe try session.model(model, 1)
          let list = unsafe try session.lend(attempt { try session.world.buffers(of: model) })
          unsafe try CStruct.fill(out, list, least: MemoryLayout<lethe_named_tensors>.size, "lethe_named_tensors")
        }
      },
      resize: { context, model, parameter, value, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let model = unsafe try session.model(model, 1)
          guard let name = unsafe CStruct.text(parameter) else { throw .argument(2, "argument 2 is NULL") }
          try session.resize(name, model, to: unsafe try session.tensor(value, 3))
        }
      }))
}

extension HostSession {
  fileprivate func gradient(
    _ outputs: [Tensor?], _ seeds: [Tensor?], _ inputs: [Tensor?], _ flags: UInt32
  ) throws(Refusal) -> [Tensor?] {
    let known = LETHE_GRAD_RETAIN_GRAPH | LETHE_GRAD_CREATE_GRAPH | LETHE_GRAD_ALLOW_UNUSED
    guard flags & ~known == 0 else { throw .argument(6, "flags \(flags) has bits that no header names") }
    guard outputs.allSatisfy({ $0 != nil }) else { throw .argument(1, "an output is NULL") }
    guard inputs.allSatisfy({ $0 != nil }) else { throw .argument(4, "an input is NULL") }
    return try attempt {
      try Tensors.gradient(
        of: outputs.compactMap(\.self), seeds: seeds, withRespectTo: inputs.compactMap(\.self),
        retainGraph: flags & LETHE_GRAD_RETAIN_GRAPH != 0, createGraph: flags & LETHE_GRAD_CREATE_GRAPH != 0,
        allowUnused: flags & LETHE_GRAD_ALLOW_UNUSED != 0)
    }
  }

  /// The model being unlearned, or one that the manifest asked for.
  fileprivate func find(_ name: String) throws(Refusal) -> ModelHandle {
    let asked = frame.instance?.strategy.models ?? []
    guard name == "model" || asked.contains(name) else {
      throw Refusal(LETHE_E_NOT_FOUND, "the model '\(name)' is not listed under 'models' in the manifest", detail: 1)
    }
    guard let model = world.model(named: name) else {
      throw Refusal(LETHE_E_NOT_FOUND, "this run has no model '\(name)'", detail: 1)
    }
    return model
  }

  fileprivate func resize(_ name: String, _ model: ModelHandle, to value: Tensor) throws(Refusal) {
    let isObjective = frame.instance?.strategy.knownRole == .objective
    guard isObjective, frame.moment == .prepare || frame.moment == .finish else {
      throw Refusal(LETHE_E_PRECONDITION, "resize is for 'prepare' and 'finish' of an objective only")
    }
    let parameters = try attempt { try world.parameters(of: model) }
    guard let index = parameters.names.firstIndex(of: name), let old = parameters.tensors[index] else {
      throw Refusal(LETHE_E_NOT_FOUND, "the model has no parameter '\(name)'", detail: 2)
    }
    guard value.rank == old.rank, value.rank > 0, value.shape.dropFirst() == old.shape.dropFirst(), value.shape[0] > 0
    else {
      throw .argument(3, "a value of shape \(value.shape) differs from \(old.shape) in more than the first size")
    }
    guard value.dtype == old.dtype, value.device == old.device else {
      throw .argument(3, "the value is \(value.dtype) on \(value.device), the parameter \(old.dtype) on \(old.device)")
    }
    try attempt { try world.resize(name, of: model, to: value) }
  }

  fileprivate func forward(_ model: ModelHandle, _ input: UnsafePointer<lethe_forward>?) throws(Refusal) -> Tensor {
    guard let input = unsafe input else { throw .argument(2, "argument 2 is NULL") }
    guard unsafe CStruct.size(input) >= MemoryLayout<lethe_forward>.size else {
      throw .argument(2, "the size of 'lethe_forward' is \(unsafe CStruct.size(input)), set it to sizeof of the struct")
    }
    let flags = unsafe input.pointee.flags
    guard flags & ~(LETHE_FORWARD_EVAL | LETHE_FORWARD_NO_GRAD) == 0 else {
      throw .argument(2, "flags \(flags) has bits that no header names")
    }
    let inputs = unsafe try tensor(input.pointee.inputs, 2)
    guard world.diffusion == nil else {
      throw Refusal(LETHE_E_PRECONDITION, "the run's model is a denoiser: 'denoise' of lethe.diffusion/1 is for it")
    }
    let evaluation = flags & LETHE_FORWARD_EVAL != 0
    return try attempt {
      guard flags & LETHE_FORWARD_NO_GRAD != 0 else {
        return try world.forward(model, inputs: inputs, evaluation: evaluation)
      }
      return try withoutGradients { try world.forward(model, inputs: inputs, evaluation: evaluation) }
    }
  }
}
