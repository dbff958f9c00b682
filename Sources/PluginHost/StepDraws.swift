import Learning
package import Tensors

/// What capturable strategies draw at random in the steps of one kind: always from the same generators and into the same
/// tensors, so that a step which was recorded finds the numbers of the step that it stands for.
///
/// A strategy asks for the same numbers in the same order in every step; one that does not has no business being recorded,
/// and is told so, by `end` at the latest.
package final class StepDraws {
  /// Something that was asked for in a step.
  private final class Draw {
    /// What was asked for, in words.
    let name: String
    /// Where its numbers come from in a step.
    let source: DrawSource
    let place: Place

    enum Place {
      case generator(Generator)
      case tensor(Tensor)
    }

    init(name: String, source: DrawSource, place: Place) {
      self.name = name
      self.source = source
      self.place = place
    }

    func drawAnew(step: Int) throws {
      switch (source, place) {
      case (.seed(let seed), .generator(let generator)): try generator.setSeed(seed(step))
      case (.numbers(let numbers), .tensor(let tensor)): try withoutGradients { try tensor.assign(numbers(step)) }
      default: preconditionFailure("a draw has the place that its source needs")
      }
    }
  }

  private var draws: [Draw] = []
  private var next = 0
  private var step = 0
  /// Steps begun; what the first one draws, all draw.
  private var steps = 0

  /// Nothing was asked for yet.
  package init() {}

  /// The generators that strategies drew from by themselves.
  package var generators: [Generator] {
    draws.compactMap { draw in
      guard case .generator(let generator) = draw.place else { return nil }
      return generator
    }
  }

  /// Draws all that was asked for in earlier steps anew, for this one.
  package func begin(step: Int) throws {
    self.step = step
    steps += 1
    next = 0
    for draw in draws { try draw.drawAnew(step: step) }
  }

  /// Ends a step that went well.
  ///
  /// - Throws: `OtherDraw` where something was not asked for that was in earlier steps.
  package func end() throws {
    if next < draws.count { throw OtherDraw(name: draws[next].name, isMissing: true) }
  }

  /// A generator that stands where its seed for this step puts it.
  func generator(_ name: String, on device: Device, seed: @escaping (_ step: Int) -> UInt64) throws -> Generator {
    let draw = try draw(name) {
      Draw(name: name, source: .seed(seed), place: .generator(try Generator(seed: seed(step), device: device)))
    }
    guard case .generator(let generator) = draw.place else { throw OtherDraw(name: name, isMissing: false) }
    return generator
  }

  /// Numbers that are drawn outside of the recorded step, which finds them in this tensor's memory.
  func tensor(_ name: String, _ numbers: @escaping (_ step: Int) throws -> Tensor) throws -> Tensor {
    let draw = try draw(name) { Draw(name: name, source: .numbers(numbers), place: .tensor(try numbers(step))) }
    guard case .tensor(let tensor) = draw.place else { throw OtherDraw(name: name, isMissing: false) }
    // Another tensor of the same memory: whose graph and shape a strategy may change.
    return try withoutGradients { try tensor.detach() }
  }

  private func draw(_ name: String, _ make: () throws -> Draw) throws -> Draw {
    defer { next += 1 }
    guard next < draws.count else {
      guard steps == 1 else { throw OtherDraw(name: name, isMissing: false) }
      draws.append(try make())
      return draws[next]
    }
    guard draws[next].name == name else { throw OtherDraw(name: name, isMissing: false) }
    return draws[next]
  }

  private enum DrawSource {
    case seed((_ step: Int) -> UInt64)
    case numbers((_ step: Int) throws -> Tensor)
  }

  /// A strategy asked for other random numbers than in the step before.
  package struct OtherDraw: Error, CustomStringConvertible {
    let name: String
    let isMissing: Bool

    package var description: String {
      "'\(name)' is "
        + (isMissing
          ? "not drawn at random in a step, as earlier steps of its kind did"
          : "drawn at random in a step, where earlier steps of its kind drew something else or nothing")
        + "; a strategy whose manifest says 'capturable' draws the same in every step"
    }
  }
}
