import CLethe
import Tensors

/// A procedure at work: a method that is no loop of steps.
package final class ProcedureInstance: StrategyInstance {
  /// Lets it change the parameters of a model. It takes gradients as it likes; nothing is recorded on its behalf.
  ///
  /// - Throws: a `call` error; `LearningError.interrupted` where it stopped because it was asked to.
  package func run(_ model: ModelHandle) throws {
    _ = try legal(.work, "run", nil)
    guard case .procedure(let table) = strategy.loaded.role, let run = unsafe table.run else {
      preconditionFailure("a procedure has a table of its role")
    }
    try unsafe call("run", nil, .run) { (instance, context, error) throws(Refusal) in
      let input = unsafe lethe_procedure_in(
        size: ServiceTables.size(of: lethe_procedure_in.self), reserved0: 0, model: session.handle(model))
      return unsafe run(instance, context, try session.show(input), error)
    }
  }
}
