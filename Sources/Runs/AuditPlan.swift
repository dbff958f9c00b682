/// An audit that needs many models.
package enum AuditName: String, Sendable, Codable, CaseIterable {
  /// Which samples was the model trained on? A likelihood-ratio attack.
  case lira
  /// Was the sample unlearned, or never trained on? The same attack on unlearned models.
  case uLira = "u-lira"
  /// How far are unlearned models from retrained ones, as distributions over training runs?
  case klom

  /// Whether it needs a pipeline to unlearn many models with.
  package var unlearns: Bool { self != .lira }
}

/// Where the variances of a likelihood-ratio attack come from.
package enum AuditVariance: String, Sendable, Codable, CaseIterable {
  /// One for all samples.
  case pooled
  /// One for each sample.
  case perSample = "per-sample"
}

/// What an audit does: the run whose result is audited, and how many models it is held against.
///
/// Written to the audit's folder as `plan.yaml`, from which its processes read it.
package struct AuditPlan: Sendable, Equatable, Codable {
  /// The form of the file; a reader refuses one it does not know.
  package static let currentFormat = 1
  /// The fewest shadow models: each sample is in half of them, and two are needed for a spread.
  package static let leastShadows = 4
  /// From so many shadow models on, each sample has a variance of its own (Carlini et al. 2022, section VI.C).
  package static let shadowsForOwnVariance = 64

  /// The form this plan has.
  package var format = AuditPlan.currentFormat
  /// The run that is audited.
  package var run: RunPlan
  /// What is measured, in the order of `AuditName`.
  package var audits: [AuditName]
  /// Shadow models of the attacks; for `klom` as many originals and as many retrained models.
  package var shadows: Int
  /// Where the variances of the attacks come from.
  package var variance: AuditVariance
  /// Weights that are audited instead of the run's own result, absolute.
  package var weights: String?

  /// Makes a plan and checks that its parts fit.
  ///
  /// - Parameters:
  ///   - audits: nil for all that can be made of the run.
  ///   - variance: nil for what suits the number of shadow models.
  ///   - file: the recipe, for messages.
  /// - Throws: `RunError.needs` where the run has no models to make, or not those that an audit is about.
  /// - Precondition: `shadows` is even and at least `leastShadows`.
  package init(
    run: RunPlan, audits: [AuditName]?, shadows: Int, variance: AuditVariance?, weights: String?, file: String
  ) throws(RunError) {
    precondition(shadows >= AuditPlan.leastShadows && shadows.isMultiple(of: 2), "shadow models come in pairs")
    self.run = run
    let unlearns = run.pipeline != nil || run.procedure != nil
    let isRetrained = run.retrained != .none
    self.audits = AuditName.allCases.filter { name in
      audits?.contains(name) ?? ((unlearns || !name.unlearns) && (isRetrained || name != .uLira))
    }
    self.shadows = shadows
    self.variance = variance ?? (shadows < AuditPlan.shadowsForOwnVariance ? .pooled : .perSample)
    self.weights = weights
    if self.training == nil {
      throw .needs(
        .nowhere(file), what: "an audit",
        need: "to know how shadow models are trained, which 'base.weights' does not say; "
          + "give 'retrained' with epochs, batch and optimizer")
    }
    if case .train(let training) = run.base, training.samples != nil {
      throw .needs(
        .nowhere(file), what: "an audit",
        need: "an original model that learned what the run forgets and retains; 'base.samples' trains it on others")
    }
    if run.task != .classification {
      throw .needs(
        .nowhere(file), what: "an audit", need: "a classifier; the recipe's model is for \(run.task.rawValue)")
    }
    if run.sequence != nil {
      throw .needs(
        .nowhere(file), what: "an audit", need: "one forget set; the recipe forgets several, one after the other")
    }
    if run.data.validation == .amount(.count(0)) {
      throw .needs(
        .nowhere(file), what: "an audit",
        need: "samples that no model has seen, from the validation set; 'data.validation' is 0")
    }
    for audit in self.audits where audit.unlearns && !unlearns {
      throw .needs(
        .nowhere(file), what: "the audit '\(audit.rawValue)'",
        need: "a 'pipeline' to unlearn with; without one there is --audits lira weights=FILE")
    }
    if self.audits.contains(.uLira), !isRetrained {
      throw .needs(
        .nowhere(file), what: "the audit 'u-lira'", need: "a retrained model; the recipe says 'retrained: none'")
    }
  }

  /// How the models of the audit are trained: as the original is, or where its weights come from a file as the
  /// retrained one is; nil where neither is trained.
  package var training: TrainingPlan? {
    if case .train(let training) = run.base { return training }
    if case .train(let training) = run.retrained { return training }
    return nil
  }

  /// How the retrained models of `klom` are trained.
  package var retraining: TrainingPlan? {
    if case .train(let training) = run.retrained { return training }
    return training
  }

  /// All models, those that take longest first.
  package var jobs: [AuditJob] {
    var jobs = [AuditJob(.target, 0)]
    if audits.contains(.klom) { jobs += (0..<shadows).map { AuditJob(.original, $0) } }
    if audits.contains(.lira) || audits.contains(.uLira) { jobs += (0..<shadows).map { AuditJob(.shadow, $0) } }
    if audits.contains(.klom) { jobs += (0..<shadows).map { AuditJob(.retrained, $0) } }
    return jobs
  }

  /// Whether a job's model is unlearned once it is trained.
  package func unlearns(_ job: AuditJob) -> Bool {
    switch job.kind {
    case .target: weights == nil && (run.pipeline != nil || run.procedure != nil)
    case .shadow: audits.contains(.uLira)
    case .original: true
    case .retrained: false
    }
  }

  /// What the audit is, as JSON with sorted keys: the same for the same audit wherever it is written to.
  package func canonicalJSON() -> String {
    Tree.map([
      TreeEntry("run", .string(run.canonicalJSON())), TreeEntry("audits", .list(audits.map { .string($0.rawValue) })),
      TreeEntry("shadows", .int(Int64(shadows))), TreeEntry("variance", .string(variance.rawValue)),
      TreeEntry("weights", weights.map { .string($0) } ?? .null),
    ]).json(sorted: true)
  }

  /// The plan as YAML.
  package func yaml() -> String { Tree.encoding(self).yaml() }

  /// Reads what `yaml()` wrote.
  ///
  /// - Parameter file: the name for messages.
  package init(yaml text: String, file: String) throws(RunError) {
    let written = try Written.parse(text, file: file)
    do {
      self = try TreeDecoder.decode(AuditPlan.self, from: written.tree)
    } catch let error as DecodingError {
      throw .unreadablePlan(file: file, reason: RunError.reason(error))
    } catch {
      throw .unreadablePlan(file: file, reason: "\(error)")
    }
    guard format == AuditPlan.currentFormat else {
      throw .unreadablePlan(file: file, reason: "it has format \(format); this lethe reads \(AuditPlan.currentFormat)")
    }
  }
}

/// One thing to be made for an audit.
package struct AuditJob: Sendable, Hashable {
  /// What is made.
  package enum Kind: String, Sendable, CaseIterable {
    /// The run's own models: original, retrained and unlearned.
    case target
    /// A model trained on half of the audited samples; for `u-lira` then made to forget those of the forget set.
    case shadow
    /// A model trained on everything, then made to forget.
    case original
    /// A model trained without the forget set.
    case retrained
  }

  /// What is made.
  package let kind: Kind
  /// Which one, from 0.
  package let number: Int

  /// Makes a job of its two halves.
  package init(_ kind: Kind, _ number: Int) {
    self.kind = kind
    self.number = number
  }

  /// The job as text, `shadow-3`.
  package var name: String { "\(kind.rawValue)-\(number)" }

  /// Reads what `name` wrote.
  package init?(name: some StringProtocol) {
    let parts = name.split(separator: "-")
    guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])), let number = Int(parts[1]) else { return nil }
    self.init(kind, number)
  }
}
