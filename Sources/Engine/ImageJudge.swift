import Foundation
import Learning
import Runs
import Tensors

/// What looks at generated images: features by which sets of images are compared, and probabilities of classes.
struct ImageJudge {
  private enum Network {
    case classifier(ImageClassifier)
    case inception(InceptionV3)
  }

  private let network: Network
  private let plan: RunPlan
  private let cancel: CancelFlag
  /// What protocols call it: numbers of different judges are not comparable.
  let name: String

  /// Trains the classifier, or finds it from an earlier run; or reads the weights of Inception-v3.
  init(
    _ extractor: ExtractorPlan, plan: RunPlan, data: PreparedData, device: Device, cancel: CancelFlag,
    reporter: Reporter
  ) throws {
    self.plan = plan
    self.cancel = cancel
    switch extractor {
    case .inception(let file):
      let preprocessing = InceptionV3.Preprocessing.tensorFlow
      network = .inception(try InceptionV3(file: file, preprocessing: preprocessing, device: device))
      name = "inception-v3-2048-\(preprocessing.rawValue)"
    case .train(let model, let training):
      var judged = plan
      judged.model = model
      judged.diffusion = nil
      judged.base = .train(training)
      let own = try PreparedData(classifying: data)
      let library = ModelLibrary(
        plan: judged, task: ClassificationTask(plan: judged), data: own, device: device,
        cache: cacheFolder().appendingPathComponent("models"), cancel: cancel, reporter: reporter)
      let positions = own.baseSamples
      guard let key = judged.baseKeyJSON(),
        let made = try library.model(judged.base, key: key, positions: positions, phase: .judge)?.model
          as? ImageClassifier
      else { preconditionFailure("a classifier that is trained has a key") }
      network = .classifier(made)
      name = "\(model.name)-\(try ModelLibrary.name(of: key, trainedOn: positions).prefix(8))"
    }
  }

  /// Rows of features [n, k] of images in [-1, 1].
  func features(_ images: Tensor) throws -> Tensor {
    switch network {
    case .inception(let inception): try inception.features(images, cancel: cancel)
    case .classifier(let classifier): try inBatches(images) { try classifier.features($0) }
    }
  }

  /// Logits [n, classes] of images in [-1, 1]; nil where the network knows other classes than the data.
  func logits(_ images: Tensor) throws -> Tensor? {
    guard case .classifier(let classifier) = network else { return nil }
    return try inBatches(images) { try classifier.forward($0, training: false) }
  }

  private func inBatches(_ images: Tensor, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
    try withoutGradients {
      let count = images.shape[0]
      return try Tensor.cat(
        stride(from: 0, to: count, by: plan.evaluate.batch).map { start in
          try cancel.check()
          let part = try images.narrow(0, start: start, length: min(plan.evaluate.batch, count - start))
          return try body(part * 0.5 + 0.5)
        })
    }
  }
}
