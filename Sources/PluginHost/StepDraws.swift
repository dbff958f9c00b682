import Learning
package import Tensors

/// What capturable strategies draw at random in the steps of one kind: always from the same generators and into the same
/// tensors, so that a step which was recorded finds the numbers of the step that it stands for.
///
/// A strategy asks for the same numbers in the same order in every step; one that does not has no business being recorded,
/// and is told so, by `end` at the latest.
package final class StepDraws {
  /// Something that was asked for in a step.
  private struct Draw {
    /// What was asked for, in words.
    let name: String
    let place: Place

    /// Where its numbers lie or come from, with what they are in a step.
    enum Place {
      case generator(Generator, seed: (_ step: Int) -> UInt64)
      case tensor(Tensor, numbers: (_ step: Int) throws -> Tensor)
    }

    func drawAnew(step: Int) throws {
      switch place {
      case .generator(let generator, let seed): try generator.setSeed(seed(step))
      case .tensor(let tensor, let numbers): try withoutGradients { try tensor.assign(numbers(step)) }
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
      guard case .generator(let generator, _) = draw.place else { return nil }
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
    let place = try place(of: name) { .generator(try Generator(seed: seed(step), device: device), seed: seed) }
    guard case .generator(let generator, _) = place else { throw OtherDraw(name: name, isMissing: false) }
    return generator
  }

  /// Numbers that are drawn outside of the recorded step, which finds them in this tensor's memory.
  func tensor(_ name: String, _ numbers: @escaping (_ step: Int) throws -> Tensor) throws -> Tensor {
    let place = try place(of: name) { .tensor(try numbers(step), numbers: numbers) }
    guard case .tensor(let tensor, _) = place else { throw OtherDraw(name: name, isMissing: false) }
    // Another tensor of the same memory: whose graph and shape a strategy may change.
    return try withoutGradients { try tensor.detach() }
  }

  /// The place of the next draw; made where it is the first step's.
  private func place(of name: String, _ make: () throws -> Draw.Place) throws -> Draw.Place {
    if next == draws.count, steps == 1 { draws.append(Draw(name: name, place: try make())) }
    guard next < draws.count, draws[next].name == name else { throw OtherDraw(name: name, isMissing: false) }
    defer { next += 1 }
    return draws[next].place
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
