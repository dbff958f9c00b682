import Foundation
import Learning
import Runs
import Tensors

/// Measures an audit whose models are made.
struct AuditMeasurement {
  /// Rates of false positives at which the attacks are read.
  static let rates = [0.01, 0.001]
  /// How often KLOM is taken of models that are dealt out at random.
  static let shuffles = 10
  /// Fewer shadow models give rough Gaussians.
  static let fewShadows = 16

  let plan: AuditPlan
  let design: AuditDesign
  /// Of every job of the plan.
  let margins: [AuditJob: AuditMargins]
  let cancel: CancelFlag

  /// Adds what the plan asks for.
  func measure(into report: inout AuditReport) throws {
    if plan.audits.contains(.lira) { report.lira = try lira() }
    if plan.audits.contains(.uLira) { report.uLira = try uLira() }
    if plan.audits.contains(.klom) { report.klom = try klom() }
  }

  /// What the reader should know about the numbers.
  var warnings: [String] {
    var warnings: [String] = []
    if plan.shadows < AuditMeasurement.fewShadows {
      warnings.append(
        "\(plan.shadows) shadow models are few: the attacks are weaker than they could be; published ones have 64 to 256"
      )
    }
    if design.heldOut.count < 1000 {
      warnings.append(
        "\(design.heldOut.count) non-members: a true-positive rate at 0.1 % false positives needs 1000")
    }
    if !design.isRetainComparable {
      warnings.append(
        "a class is forgotten as a whole: the attack on retained samples is left out, since they are of other classes")
    }
    return warnings
  }

  // MARK: Attacks

  private func lira() throws -> AuditReport.Attack {
    let observations = (0..<plan.shadows).map { number in
      LikelihoodRatio.Observation(
        margins: Array(of(.shadow, number, "trained")[..<design.heldOutRange.upperBound]), isFirst: design.isIn(number))
    }
    let ratio = try LikelihoodRatio(observations, variance: plan.variance.learning, metric: "lira")
    let sets = [("forget", design.forgetRange)] + (design.isRetainComparable ? [("retain", design.retainRange)] : [])
    var rows: [AuditReport.AttackRow] = []
    for model in ["original", "retrained", "unlearned"] {
      guard let target = margins[AuditJob(.target, 0)]?.models[model] else { continue }
      let scores = ratio.scores(Array(target[..<design.heldOutRange.upperBound]))
      for (name, range) in sets {
        rows.append(
          try row(
            model: model, (name, Array(scores[range])), ("held-out", Array(scores[design.heldOutRange])), "lira"))
      }
    }
    return AuditReport.Attack(
      protocol: "lira@online,margin,gaussian,\(plan.variance.rawValue)-variance,1-view", rows: rows,
      leaveOneOut: try leaveOneOut(observations, ratio, "lira"))
  }

  private func uLira() throws -> AuditReport.Attack {
    let observations = (0..<plan.shadows).map { number in
      let isIn = Array(design.isIn(number)[design.forgetRange])
      let (trained, unlearned) = (of(.shadow, number, "trained"), of(.shadow, number, "unlearned"))
      return LikelihoodRatio.Observation(
        margins: design.forgetRange.map { isIn[$0] ? unlearned[$0] : trained[$0] }, isFirst: isIn)
    }
    let ratio = try LikelihoodRatio(observations, variance: plan.variance.learning, metric: "u-lira")
    let scores = ["unlearned", "retrained"].map { ratio.scores(Array(of(.target, 0, $0)[design.forgetRange])) }
    return AuditReport.Attack(
      protocol: "u-lira@unlearned/never-trained,margin,gaussian,\(plan.variance.rawValue)-variance,1-view",
      rows: [
        try row(
          model: "unlearned", ("forget, unlearned", scores[0]), ("forget, retrained", scores[1]), "u-lira")
      ], leaveOneOut: try leaveOneOut(observations, ratio, "u-lira"))
  }

  private func row(
    model: String, _ positives: (name: String, scores: [Double]), _ negatives: (name: String, scores: [Double]),
    _ metric: String
  ) throws -> AuditReport.AttackRow {
    let curve = try DetectionCurve(members: positives.scores, others: negatives.scores, metric: metric)
    let (area, shares) = try curve.estimate(rates: AuditMeasurement.rates, cancel: cancel)
    return AuditReport.AttackRow(
      model: model, positives: positives.name, negatives: negatives.name, positiveCount: positives.scores.count,
      negativeCount: negatives.scores.count, area: area.forReport, chanceDeviation: curve.chanceDeviation,
      shareAt1: shares[0]?.forReport, shareAt01: shares[1]?.forReport)
  }

  private func leaveOneOut(
    _ observations: [LikelihoodRatio.Observation], _ ratio: LikelihoodRatio, _ metric: String
  ) throws -> AuditReport.LeaveOneOut {
    let readings = try observations.map { observation in
      try cancel.check()
      let scores = ratio.scores(leavingOut: observation)
      func chosen(_ isFirst: Bool) -> [Double] {
        scores.indices.filter { observation.isFirst[$0] == isFirst }.map { scores[$0] }
      }
      return try DetectionCurve(members: chosen(true), others: chosen(false), metric: metric)
        .read(rates: AuditMeasurement.rates)
    }
    let shares = readings.compactMap { $0.shares[0] }
    let areas = MeanDeviation(readings.map(\.area))
    return AuditReport.LeaveOneOut(
      models: readings.count, areaMean: areas.mean, areaDeviation: areas.deviation,
      shareAt1Mean: shares.count == readings.count ? MeanDeviation(shares).mean : nil)
  }

  // MARK: Divergence

  private func klom() throws -> [AuditReport.Divergence] {
    let numbers = 0..<plan.shadows
    let sets = [("forget", design.forgetRange), ("retain", design.retainRange), ("test", design.testRange)]
    return try sets.map { name, range in
      func cut(_ kind: AuditJob.Kind, _ model: String) -> [[Float]] {
        numbers.map { Array(of(kind, $0, model)[range]) }
      }
      let retrained = cut(.retrained, "trained")
      let unlearned = try MarginDivergence(unlearned: cut(.original, "unlearned"), retrained: retrained)
      let original = try MarginDivergence(unlearned: cut(.original, "trained"), retrained: retrained)
      try cancel.check()
      let chance = unlearned.shuffled(times: AuditMeasurement.shuffles).map { MarginDivergence.Summary(of: $0) }
      let means = MeanDeviation(chance.map(\.mean))
      return AuditReport.Divergence(
        set: name, samples: range.count, unlearned: MarginDivergence.Summary(of: unlearned.perSample()).forReport,
        original: MarginDivergence.Summary(of: original.perSample()).forReport,
        chance: AuditReport.Spread(
          mean: means.mean, percentile95: MeanDeviation(chance.map(\.percentile95)).mean),
        chanceDeviation: means.deviation)
    }
  }

  // MARK: Margins

  private func of(_ kind: AuditJob.Kind, _ number: Int, _ model: String) -> [Float] {
    guard let made = margins[AuditJob(kind, number)] else { preconditionFailure("all jobs of the plan are made") }
    return made.of(model)
  }

  /// Writes the margins of all models, `[models, samples]` for each kind and state, which samples each shadow model
  /// learned (`shadow.in`, 0 or 1, of the audited samples), and where the sets are.
  func writeMargins(to file: URL) throws {
    var tensors: [(name: String, tensor: Tensor)] = []
    for kind in AuditJob.Kind.allCases {
      let jobs = plan.jobs.filter { $0.kind == kind }
      guard let first = jobs.first, let names = margins[first]?.models.keys.sorted() else { continue }
      for name in names {
        let values = jobs.flatMap { of(kind, $0.number, name) }
        tensors.append(
          ("\(kind.rawValue).\(name)", try Tensor(values, shape: [jobs.count, design.testRange.upperBound])))
      }
      guard kind == .shadow else { continue }
      let isIn = jobs.flatMap { design.isIn($0.number).map { UInt8($0 ? 1 : 0) } }
      tensors.append(("shadow.in", try Tensor(isIn, shape: [jobs.count, design.heldOutRange.upperBound])))
    }
    try SafeTensors.write(
      tensors,
      metadata: [
        "forget": "\(design.forgetRange)", "retain": "\(design.retainRange)", "held-out": "\(design.heldOutRange)",
        "test": "\(design.testRange)",
      ], to: file.path)
  }
}

/// Mean and standard deviation of a sample, with n − 1.
struct MeanDeviation {
  let mean, deviation: Double

  init(_ values: [Double]) {
    let mean = values.reduce(0, +) / Double(values.count)
    self.mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    deviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
  }
}

extension DetectionCurve.Estimate {
  fileprivate var forReport: AuditReport.Estimate { AuditReport.Estimate(value: value, low: low, high: high) }
}

extension MarginDivergence.Summary {
  fileprivate var forReport: AuditReport.Spread { AuditReport.Spread(mean: mean, percentile95: percentile95) }
}

extension AuditVariance {
  fileprivate var learning: LikelihoodRatio.Variance {
    switch self {
    case .pooled: .pooled
    case .perSample: .perSample
    }
  }
}
