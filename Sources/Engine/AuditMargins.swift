import Foundation
import Learning
import Runs
import Tensors

/// The margins of one job's models: what an audit needs of them, kept in the cache.
struct AuditMargins {
  /// One value for each audited sample and then each test sample, by model: `trained`, `unlearned`; for the target
  /// `original`, `retrained`, `unlearned`.
  let models: [String: [Float]]
  /// What it took to make them.
  let seconds: Double

  /// The margins of a model that there must be.
  func of(_ name: String) -> [Float] {
    guard let margins = models[name] else { preconditionFailure("a job that was made has its models' margins") }
    return margins
  }

  /// Writes the file in one piece.
  func write(to file: URL) throws {
    let tensors = try models.sorted { $0.key < $1.key }.map { name, margins in
      (name: name, tensor: try Tensor(margins, shape: [margins.count]))
    }
    try SafeTensors.write(
      tensors, metadata: ["format": "lethe-margins-1", "seconds": String(seconds)], to: file.path)
  }

  /// Reads a file that `write` made.
  ///
  /// - Returns: nil where there is none.
  /// - Throws: `TensorError` or `EngineError.mismatch` where it is damaged.
  static func read(_ file: URL, samples: Int, names: Set<String>) throws -> AuditMargins? {
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    let stored = try SafeTensors.read(file.path)
    var models: [String: [Float]] = [:]
    for (name, tensor) in stored.tensors { models[name] = try tensor.to(.float32).floats() }
    guard stored.metadata["format"] == "lethe-margins-1", let seconds = stored.metadata["seconds"].flatMap(Double.init),
      Set(models.keys) == names, models.values.allSatisfy({ $0.count == samples })
    else { throw EngineError.mismatch("'\(file.path)' does not hold the margins that its name promises") }
    return AuditMargins(models: models, seconds: seconds)
  }
}

extension AuditMargins {
  /// The margins `log(p_y / (1 − p_y))` of labels [N] under logits [N, C], without leaving the logarithm:
  /// `z_y − log Σ_{c≠y} exp(z_c)`. Finite for all finite logits of at least two classes.
  static func margins(_ logits: Tensor, _ labels: Tensor) throws(TensorError) -> Tensor {
    let index = try labels.reshape([labels.shape[0], 1])
    let own = try logits.gather(1, index)
    let others = try logits.scatter(1, index, try Tensor.full(index.shape, -.infinity, device: logits.device))
    return try own.reshape([labels.shape[0]]) - others.logSumExp(along: [1])
  }

  /// The margins of a model on the audited samples and the test set, with running statistics, without augmentation.
  static func measure(
    _ model: TrainableModel, _ plan: RunPlan, _ data: PreparedData, _ design: AuditDesign, cancel: CancelFlag
  ) throws -> [Float] {
    try withoutGradients {
      var pieces: [Tensor] = []
      for (store, positions) in [(data.train, design.audited), (data.test, design.split.test)] {
        let order = try Tensor(positions.map { Int64($0) }, shape: [positions.count], device: model.device)
        for start in stride(from: 0, to: positions.count, by: plan.evaluate.batch) {
          try cancel.check()
          let indices = try order.narrow(0, start: start, length: min(plan.evaluate.batch, positions.count - start))
          let images = try store.images(at: indices, channelsLast: plan.channelsLast)
          let logits = try plan.forward(model, images, training: false)
          pieces.append(try margins(logits, store.labels.indexSelect(0, indices)))
        }
      }
      return try Tensor.cat(pieces).floats()
    }
  }
}
