import CLethe
import Tensors

/// "lethe.step/1".
extension ServiceTables {
  // Immutable after the first use, and never freed.
  nonisolated(unsafe) static let steps: UnsafePointer<lethe_steps> = unsafe make(
    lethe_steps(
      size: size(of: lethe_steps.self), reserved0: 0,
      count: { context, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let step = try session.step()
          guard let out = unsafe out else { throw .argument(1, "argument 1 is NULL") }
          unsafe out.pointee = UInt32(step.terms.count)
        }
      },
      term: { context, index, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let term = try session.stepTerm(index)
          let name = unsafe session.cNames([term.name])
          let value = unsafe lethe_step_term(
            size: 0, set: term.set.rawValue, name: name[0], coefficient: term.coefficient,
            loss: try session.lend(term.loss))
          unsafe try CStruct.fill(out, value, least: 16, "lethe_step_term")
        }
      },
      gradient: { context, index, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let step = try session.combinedStep()
          _ = try session.stepTerm(index)
          let list = unsafe try session.lend(attempt { try step.gradients(ofTerm: Int(index)) })
          unsafe try CStruct.fill(out, list, least: MemoryLayout<lethe_named_tensors>.size, "lethe_named_tensors")
        }
      },
      set_direction: { context, direction, count, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          _ = try session.combinedStep()
          session.frame.direction = unsafe try session.tensors(direction, count, 1)
        }
      },
      dot: { context, a, b, count, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let (a, b) = (unsafe try session.tensors(a, count, 1), unsafe try session.tensors(b, count, 2))
          guard let out = unsafe out else { throw .argument(4, "argument 4 is NULL") }
          unsafe out.pointee = try session.lend(session.dot(a, b))
        }
      },
      axpy: { context, a, scale, b, count, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let (a, b) = (unsafe try session.tensors(a, count, 1), unsafe try session.tensors(b, count, 3))
          let scale = unsafe try session.tensor(scale, 2)
          guard let out = unsafe out else { throw .argument(5, "argument 5 is NULL") }
          for (index, sum) in try session.axpy(a, scale, b).enumerated() {
            unsafe out[index] = try session.lend(optional: sum)
          }
        }
      },
      learning_rate: { context, out, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          guard let rate = session.frame.learningRate else {
            throw Refusal(LETHE_E_PRECONDITION, "learning_rate is for 'combine' and 'after_step' only")
          }
          guard let out = unsafe out else { throw .argument(1, "argument 1 is NULL") }
          unsafe out.pointee = rate
        }
      },
      evaluate: { context, input, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in unsafe try session.evaluate(input) }
      },
      advance: { context, direction, count, rate, flags, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let direction = unsafe try session.tensors(direction, count, 1)
          try session.advance(direction, rate, flags)
        }
      },
      restore: { context, error in
        unsafe HostSession.serve(context, error) { session throws(Refusal) in
          let step = try session.combinedStep()
          try attempt { try step.restore() }
        }
      }))
}

extension HostSession {
  fileprivate func step() throws(Refusal) -> any StepView {
    guard let step = frame.step else {
      throw Refusal(LETHE_E_PRECONDITION, "the step's terms and gradients are for 'combine' only")
    }
    return step
  }

  /// The step once its gradients are taken.
  func combinedStep() throws(Refusal) -> any StepView {
    let step = try step()
    guard frame.moment == .combine else {
      throw Refusal(LETHE_E_PRECONDITION, "gradients and the direction are for 'combine' only")
    }
    return step
  }

  fileprivate func stepTerm(_ index: UInt32) throws(Refusal) -> StepTerm {
    let terms = try step().terms
    guard index < terms.count else { throw .argument(1, "there are \(terms.count) terms, not \(index + 1)") }
    return terms[Int(index)]
  }

  /// Sum over all tensors of their inner products, in single precision. Nothing is recorded.
  fileprivate func dot(_ a: [Tensor?], _ b: [Tensor?]) throws(Refusal) -> Tensor {
    try attempt {
      try withoutGradients {
        var products: [Tensor] = []
        for case (let a?, let b?) in zip(a, b) {
          products.append(try a.detach().flatten().to(.float32).dot(b.detach().flatten().to(.float32)))
        }
        guard !products.isEmpty else { return try Tensor.zeros([], device: world.device) }
        return try Tensor.stack(products).sum()
      }
    }
  }

  /// `a + scale · b` for each pair. Nothing is recorded.
  fileprivate func axpy(_ a: [Tensor?], _ scale: Tensor, _ b: [Tensor?]) throws(Refusal) -> [Tensor?] {
    try attempt {
      try withoutGradients {
        guard scale.count == 1 else { throw Refusal.argument(2, "the scale has \(scale.count) elements, not one") }
        let scale = try scale.detach().reshape([])
        return try zip(a, b).map { a, b in
          switch (a, b) {
          case (let a?, let b?): try a.detach() + (b.detach() * scale.to(b.dtype))
          case (let a?, nil): try a.detach().clone()
          case (nil, let b?): try b.detach() * scale.to(b.dtype)
          case (nil, nil): nil
          }
        }
      }
    }
  }
}
