/// What will be done: every default filled in, every path absolute, every plugin named with the bytes it has.
///
/// Made by `RunPlan.resolve`; written to a run's folder as `plan.yaml` and read again when the run goes on.
package struct RunPlan: Sendable, Equatable, Codable {
  /// The form of `plan.yaml`; a reader refuses one it does not know.
  package static let currentFormat = 1

  /// The form this plan has.
  package var format = RunPlan.currentFormat
  /// What the run is called: the recipe's `name`, or its file's name without the ending.
  package var name: String
  /// Which of the recipe's `methods` this is; nil for the recipe itself.
  package var variant: String?
  /// What every random choice of unlearning derives from. Models are trained from `TrainingPlan.seed`.
  package var seed: UInt64
  /// Where tensors live: `cpu`, `cuda` or `cuda:N`.
  package var device: String
  /// The arithmetic of forward and backward passes.
  package var precision: Precision
  /// Whether images and convolution weights are laid out channels-last.
  package var channelsLast: Bool
  /// True where training steps are recorded and replayed; nil where they are not, so that plans and models of before this
  /// key have the hashes that they had.
  package var cudaGraphs: Bool?
  /// Threads LibTorch computes with; nil for one a core.
  package var threads: Int?
  /// What is learned from.
  package var data: DataPlan
  /// What is forgotten; where several requests follow one another, the one of this stage, or the first.
  package var forget: ForgetPlan
  /// All requests, where several are forgotten one after another; nil for one.
  package var sequence: [ForgetPlan]?
  /// Which request of `sequence` this plan forgets, from 1; nil for the plan of all of them.
  package var stage: Int?
  /// The network.
  package var model: ModelPlan
  /// The noise of a diffusion model; nil for a classifier. Of a model from a folder it is what the folder says, where that
  /// can be read; the run reads it again.
  package var diffusion: DiffusionPlan?
  /// How the original model is made. Never `none`.
  package var base: ModelSource
  /// How the retrained model is made.
  package var retrained: ModelSource
  /// How a further model is trained on the retain set, for objectives that ask for one; nil for none.
  package var proxy: TrainingPlan?
  /// How the original model is made to forget; nil in a plan that only evaluates weights from elsewhere.
  package var pipeline: PipelinePlan?
  /// What changes the model in one go instead of a pipeline's steps; nil for a pipeline.
  package var procedure: ProcedurePlan?
  /// What changes during the run, in order.
  package var swaps: [SwapPlan]
  /// What is measured, on what and when.
  package var evaluate: EvaluatePlan
  /// How often the run's state is saved.
  package var checkpoint: CheckpointPlan
  /// Folders of plugins that the recipe adds, absolute.
  package var pluginFolders: [String]
  /// The folder in which the run's folder is made, absolute.
  package var output: String

  /// Whether steps of training are recorded once and then replayed.
  package var recordsSteps: Bool { cudaGraphs == true }

  /// What the models are for.
  package var task: TaskName { model.task }

  enum CodingKeys: String, CodingKey {
    case format, name, variant, seed, device, precision
    case channelsLast = "channels_last"
    case cudaGraphs = "cuda_graphs"
    case threads, data, forget, sequence, stage, model, diffusion, base, retrained, proxy, pipeline, procedure, swaps,
      evaluate,
      checkpoint
    case pluginFolders = "plugins"
    case output
  }
}

/// The arithmetic of forward and backward passes.
package enum Precision: String, Sendable, Codable, CaseIterable {
  /// IEEE binary32 throughout.
  case fp32
  /// bfloat16 where autocast says so; weights and losses stay binary32.
  case bf16
}

extension RunPlan {
  /// The plan as YAML, as `plan.yaml` holds it and `lethe plan` prints it.
  package func yaml() -> String { tree.yaml() }

  /// Reads what `yaml()` wrote; the result equals the plan that was written.
  ///
  /// - Parameter file: the name for messages.
  package init(yaml text: String, file: String) throws(RunError) {
    let written = try Written.parse(text, file: file)
    do {
      self = try TreeDecoder.decode(RunPlan.self, from: written.tree)
    } catch let error as DecodingError {
      throw .unreadablePlan(file: file, reason: RunError.reason(error))
    } catch {
      throw .unreadablePlan(file: file, reason: "\(error)")
    }
    guard format == RunPlan.currentFormat else {
      throw .unreadablePlan(file: file, reason: "it has format \(format); this lethe reads \(RunPlan.currentFormat)")
    }
  }

  /// The plan as a tree in the order of its keys.
  package var tree: Tree { Tree.encoding(self) }

  /// What decides the run's events, as JSON with sorted keys: the same for the same run wherever it is written to.
  ///
  /// Leaves out where results go and where plugins lie; a plugin counts by the hash of its file.
  package func canonicalJSON() -> String {
    guard case .map(let entries) = tree else { preconditionFailure("a plan is a map") }
    let kept = entries.filter { !["output", "plugins"].contains($0.key) }
    return Tree.map(kept).withoutPluginFiles.json(sorted: true)
  }

  /// What decides the original model, as JSON with sorted keys; nil when its weights come from a file.
  ///
  /// Hash it to find a model that an earlier run trained. It does not depend on what is forgotten or how.
  package func baseKeyJSON() -> String? {
    guard case .train(let training) = base else { return nil }
    return modelKey("base", training, forget: nil)
  }

  /// What decides the retrained model, as JSON with sorted keys; nil when there is none or its weights come from a file.
  package func retrainedKeyJSON() -> String? {
    guard case .train(let training) = retrained else { return nil }
    return modelKey("retrained", training, forget: forget)
  }

  /// What decides the further model, as JSON with sorted keys; nil where there is none.
  package func proxyKeyJSON() -> String? { proxy.map { modelKey("retrained", $0, forget: forget) } }

  private func modelKey(_ kind: String, _ training: TrainingPlan, forget: ForgetPlan?) -> String {
    var data = data
    // Drawn from the original model, and for the pipeline alone.
    data.replay = nil
    var entries = [
      TreeEntry("kind", .string(kind)), TreeEntry("format", .int(Int64(format))),
      TreeEntry("device", .string(device)), TreeEntry("precision", .string(precision.rawValue)),
      TreeEntry("channels_last", .bool(channelsLast)), TreeEntry("threads", threads.map { .int(Int64($0)) } ?? .null),
      TreeEntry("data", Tree.encoding(data)), TreeEntry("model", Tree.encoding(model)),
      TreeEntry("training", Tree.encoding(training)),
    ]
    if recordsSteps { entries.append(TreeEntry("cuda_graphs", .bool(true))) }
    if var diffusion {
      // A training has a reduction of its own.
      diffusion.reduction = .sum
      entries.append(TreeEntry("diffusion", Tree.encoding(diffusion)))
    }
    if let forget { entries.append(TreeEntry("forget", Tree.encoding(forget))) }
    return Tree.map(entries).json(sorted: true)
  }
}

extension Tree {
  /// The same without the paths of plugin files, which a hash stands for.
  fileprivate var withoutPluginFiles: Tree {
    switch self {
    case .map(let entries):
      let isPart = entries.contains { $0.key == "plugin" }
      return .map(
        entries.filter { !(isPart && $0.key == "file") }.map { TreeEntry($0.key, $0.value.withoutPluginFiles) })
    case .list(let items): return .list(items.map(\.withoutPluginFiles))
    default: return self
    }
  }
}
