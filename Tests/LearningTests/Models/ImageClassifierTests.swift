import Foundation
import Tensors
import Testing

@testable import Learning

@Suite final class ImageClassifierTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "lethe-models-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func cnn(seed: UInt64 = 1, classes: Int = 4, channels: [Int] = [3, 5], dtype: DType = .float32) throws
    -> ImageClassifier
  {
    try ImageClassifier.smallCNN(
      channels: channels, inputShape: [1, 8, 8], classes: classes,
      normalisation: Normalisation(mean: [0.5], standardDeviation: [0.25]), seed: seed, dtype: dtype)
  }

  private func images(_ count: Int = 6) throws -> Tensor {
    try Tensor.randomUniform([count, 1, 8, 8], generator: Generator(seed: 9))
  }

  private func bytes(_ model: ImageClassifier) throws -> [[UInt8]] { try model.state.map { try $0.tensor.bytes() } }

  @Test func `a small network has the names and shapes of its blocks`() throws {
    let model = try cnn()
    #expect(
      model.state.map { "\($0.name) \($0.tensor.shape)" } == [
        "block1.conv.weight [3, 1, 3, 3]", "block1.bn.weight [3]", "block1.bn.bias [3]", "block1.bn.running_mean [3]",
        "block1.bn.running_var [3]", "block1.bn.num_batches_tracked []", "block2.conv.weight [5, 3, 3, 3]",
        "block2.bn.weight [5]", "block2.bn.bias [5]", "block2.bn.running_mean [5]", "block2.bn.running_var [5]",
        "block2.bn.num_batches_tracked []", "fc.weight [4, 20]", "fc.bias [4]",
      ])
    #expect(model.parameterCount == 27 + 6 + 135 + 10 + 80 + 4)
    #expect(try withoutGradients { try model.forward(images(), training: false) }.shape == [6, 4])
  }

  @Test func `a seed gives the same first weights in every precision, another seed gives others`() throws {
    #expect(try bytes(cnn(seed: 1)) == bytes(cnn(seed: 1)))
    let single = try cnn(seed: 1).parameters[0].tensor.doubles()
    #expect(try cnn(seed: 1, dtype: .float64).parameters[0].tensor.doubles() == single)
    #expect(try cnn(seed: 2).parameters[0].tensor.doubles() != single)
  }

  @Test func `training moves statistics and counts, evaluation does not, and one copy puts them back`() throws {
    let model = try cnn()
    let statistics = try #require(model.flatStatistics)
    let counts = try #require(model.flatCounts)
    let before = try bytes(model)
    let kept = try statistics.clone()
    _ = try withoutGradients { try model.forward(images(), training: false) }
    #expect(try bytes(model) == before)
    _ = try withoutGradients { try model.forward(images(), training: true) }
    #expect(try counts.int64s() == [1, 1])
    #expect(try bytes(model) != before)
    try statistics.assign(kept)
    try counts.zero()
    #expect(try bytes(model) == before)
  }

  @Test func `several training passes before one backward pass leave each its own gradient`() throws {
    func gradients(_ model: ImageClassifier, after loss: Tensor) throws -> [[Double]] {
      try gradient(of: [loss], withRespectTo: model.parameters.map(\.tensor)).compactMap { try $0?.doubles() }
    }
    let images = try images().to(.float64)
    let alone = try cnn(dtype: .float64)
    let expected = try gradients(alone, after: alone.forward(images, training: true).power(2).sum())
    let model = try cnn(dtype: .float64)
    let first = try model.forward(images, training: true).power(2).sum()
    _ = try model.forward(images * 0.5, training: true)
    #expect(try gradients(model, after: first) == expected)
    #expect(expected.count == model.parameters.count)
  }

  @Test func `images are normalised by constants that are in no file`() throws {
    let model = try cnn()
    let plain = try ImageClassifier.smallCNN(
      channels: [3, 5], inputShape: [1, 8, 8], classes: 4,
      normalisation: Normalisation(mean: [0], standardDeviation: [1]), seed: 1)
    let images = try images()
    let scaled = try (images - 0.5) / 0.25
    let ours = try withoutGradients { try model.forward(images, training: false) }.floats()
    let theirs = try withoutGradients { try plain.forward(scaled, training: false) }.floats()
    #expect(ours == theirs)
    #expect(model.state.allSatisfy { !$0.name.contains("norm.") })
  }

  @Test func `weights survive a file, and keep their rule of normalisation`() throws {
    let path = folder.appending(path: "cnn.safetensors").path
    let model = try cnn(seed: 3)
    _ = try withoutGradients { try model.forward(images(), training: true) }
    try model.save(file: path, metadata: ["made-by": "a test"])
    let other = try cnn(seed: 4)
    try other.load(file: path)
    #expect(try bytes(other) == bytes(model))
    let metadata = try SafeTensors.header(path).metadata
    #expect(metadata["made-by"] == "a test")
    #expect(metadata["normalisation"] == "{\"mean\": [0.5], \"std\": [0.25]}")
    let foreign = try ImageClassifier.smallCNN(
      channels: [3, 5], inputShape: [1, 8, 8], classes: 4,
      normalisation: Normalisation(mean: [0.5], standardDeviation: [0.5]), seed: 1)
    let error = #expect(throws: LearningError.self) { try foreign.load(file: path) }
    #expect(
      error?.description
        == "the weights in '\(path)' were trained with normalisation {\"mean\": [0.5], \"std\": [0.25]}, but the recipe "
        + "says {\"mean\": [0.5], \"std\": [0.5]}")
  }

  @Test func `weights that do not fit are named, and nothing changes`() throws {
    let model = try cnn()
    let before = try bytes(model)
    func refusal(_ change: (inout [(name: String, tensor: Tensor)]) throws -> Void) throws -> LearningError? {
      var state = try cnn(seed: 8).state
      try change(&state)
      let error = #expect(throws: LearningError.self) { try model.load(state, from: "w.safetensors") }
      #expect(error?.exitCode == 65)
      #expect(try bytes(model) == before)
      return error
    }
    #expect(
      try refusal { $0.removeAll { $0.name.hasPrefix("fc") } }
        == .weightsMissing(path: "w.safetensors", names: ["fc.weight", "fc.bias"]))
    #expect(
      try refusal { $0.append(("normalize.mean", try Tensor.zeros([1]))) }
        == .weightsUnexpected(path: "w.safetensors", names: ["normalize.mean"]))
    #expect(
      try refusal { $0[13].tensor = try Tensor.zeros([5]) }
        == .weightsShape(path: "w.safetensors", name: "fc.bias", found: [5], expected: [4]))
    #expect(
      try refusal { $0[13].tensor = try Tensor.zeros([4], dtype: .int64) }
        == .weightsType(path: "w.safetensors", name: "fc.bias", found: "int64", expected: "float32"))
    #expect(
      try refusal { $0[13].tensor = try Tensor([1, 2, .nan, 4] as [Float], shape: [4]) }
        == .weightsNotFinite(path: "w.safetensors", name: "fc.bias"))
  }

  @Test func `images too small for the pooling are refused`() throws {
    let error = #expect(throws: LearningError.self) { try cnn(channels: [2, 2, 2, 2]) }
    #expect(error == .imagesTooSmall(model: "cnn", height: 8, width: 8, least: 16))
  }

  @Test func `gradients agree with finite differences`() throws {
    let model = try cnn(dtype: .float64)
    let images = try images().to(.float64)
    let labels = try Tensor([0, 1, 2, 3, 0, 1] as [Int64], shape: [6])
    func loss() throws -> Tensor { try model.forward(images, training: true).crossEntropy(labels) }
    let parameters = model.parameters.map(\.tensor)
    let gradients = try gradient(of: [loss()], withRespectTo: parameters).compactMap(\.self)
    let step = 1e-5
    try withoutGradients {
      for ((name, parameter), gradient) in zip(model.parameters, gradients) {
        let one = try parameter.view([-1]).narrow(0, start: parameter.count / 2, length: 1)
        try one.add(step)
        let above = try loss().item()
        try one.add(-2 * step)
        let below = try loss().item()
        try one.add(step)
        let exact = try gradient.reshape([-1]).select(0, parameter.count / 2).item()
        // Two-sided differences of a smooth loss: an error of step² and of rounding / step.
        #expect(abs((above - below) / (2 * step) - exact) < 1e-8, "\(name)")
      }
    }
  }

  @Test func `channels last changes the order in memory and hardly the numbers`() throws {
    let last = try ImageClassifier.smallCNN(
      channels: [3, 5], inputShape: [1, 8, 8], classes: 4,
      normalisation: Normalisation(mean: [0.5], standardDeviation: [0.25]), seed: 1, channelsLast: true,
      dtype: .float64)
    let first = try cnn(dtype: .float64)
    #expect(last.parameters[4].name == "block2.bn.weight")
    #expect(last.parameters[3].tensor.isChannelsLast && !last.parameters[3].tensor.isContiguous)
    #expect(try bytes(last) == bytes(first))
    let images = try images().to(.float64)
    try withoutGradients {
      let a = try first.forward(images, training: true).doubles()
      let b = try last.forward(images, training: true).doubles()
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 })
    }
  }
}
