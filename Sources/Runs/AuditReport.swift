package import Foundation

/// What an audit was and what came out: `report.json` of its folder.
package struct AuditReport: Sendable, Equatable, Codable {
  /// What the audited run is called.
  package var name: String
  /// Which of a recipe's methods it is.
  package var variant: String?
  /// SHA-256 of the audit's plan.
  package var planHash: String
  /// Shadow models of the attacks, and models on each side of `klom`.
  package var shadows: Int
  /// Where the variances of the attacks come from.
  package var variance: AuditVariance
  /// The samples that were audited, by set: forget, retain, held-out, test.
  package var samples: [String: Int]
  /// SHA-256 of the run's split.
  package var splitHash: String
  /// What was made.
  package var models: [ModelCount]
  /// LiRA on the run's models.
  package var lira: Attack?
  /// U-LiRA on the run's models.
  package var uLira: Attack?
  /// KLOM, a row a set.
  package var klom: [Divergence]?
  /// What the reader should know.
  package var warnings: [String]
  /// Versions by name.
  package var versions: [String: String]
  /// The plugins in use.
  package var plugins: [PluginUse]

  enum CodingKeys: String, CodingKey {
    case name, variant
    case planHash = "plan_hash"
    case shadows, variance, samples
    case splitHash = "split_hash"
    case models, lira
    case uLira = "u_lira"
    case klom, warnings, versions, plugins
  }

  /// Makes a report without results.
  package init(
    name: String, variant: String?, planHash: String, shadows: Int, variance: AuditVariance, samples: [String: Int],
    splitHash: String, models: [ModelCount], warnings: [String], versions: [String: String], plugins: [PluginUse]
  ) {
    self.name = name
    self.variant = variant
    self.planHash = planHash
    self.shadows = shadows
    self.variance = variance
    self.samples = samples
    self.splitHash = splitHash
    self.models = models
    self.warnings = warnings
    self.versions = versions
    self.plugins = plugins
  }

  /// How many models of a kind were made.
  package struct ModelCount: Sendable, Equatable, Codable {
    /// `shadow`, `original`, `retrained`.
    package var kind: String
    /// How many.
    package var count: Int
    /// Samples that one was trained on, in the mean.
    package var samples: Int
    /// Trainable numbers of one.
    package var parameters: Int
    /// Seconds that one took to train, unlearn and measure, in the mean; part of them may have been spent earlier.
    package var seconds: Double

    /// Makes a count of all its values.
    package init(kind: String, count: Int, samples: Int, parameters: Int, seconds: Double) {
      self.kind = kind
      self.count = count
      self.samples = samples
      self.parameters = parameters
      self.seconds = seconds
    }
  }

  /// A number with the ends of its 95 % interval.
  package struct Estimate: Sendable, Equatable, Codable {
    /// The number.
    package var value: Double
    /// The ends.
    package var low, high: Double

    /// Makes an estimate of all its values.
    package init(value: Double, low: Double, high: Double) {
      self.value = value
      self.low = low
      self.high = high
    }
  }

  /// An attack: on the run's models, and on each shadow model in turn.
  package struct Attack: Sendable, Equatable, Codable {
    /// Which procedure made the numbers; others are not comparable.
    package var `protocol`: String
    /// The attack on the run's models.
    package var rows: [AttackRow]
    /// The attack on each shadow model in turn, by the others.
    package var leaveOneOut: LeaveOneOut

    enum CodingKeys: String, CodingKey {
      case `protocol`, rows
      case leaveOneOut = "leave_one_out"
    }

    /// Makes an attack of all its values.
    package init(protocol: String, rows: [AttackRow], leaveOneOut: LeaveOneOut) {
      self.protocol = `protocol`
      self.rows = rows
      self.leaveOneOut = leaveOneOut
    }
  }

  /// An attack on one model and one set.
  package struct AttackRow: Sendable, Equatable, Codable {
    /// The model that is attacked.
    package var model: String
    /// The samples that the attack should find, and those that it should not.
    package var positives, negatives: String
    /// How many there are of each.
    package var positiveCount, negativeCount: Int
    /// The area under the curve, 0 ... 1; 0.5 where nothing is found.
    package var area: Estimate
    /// The standard deviation of the area where nothing is to be found.
    package var chanceDeviation: Double
    /// The share of positives found at 1 % false positives; nil with fewer than 100 negatives.
    package var shareAt1: Estimate?
    /// The share of positives found at 0.1 % false positives; nil with fewer than 1000 negatives.
    package var shareAt01: Estimate?

    enum CodingKeys: String, CodingKey {
      case model, positives, negatives
      case positiveCount = "positive_count"
      case negativeCount = "negative_count"
      case area = "auc"
      case chanceDeviation = "auc_chance_deviation"
      case shareAt1 = "tpr_at_fpr_0.01"
      case shareAt01 = "tpr_at_fpr_0.001"
    }

    /// Makes a row of all its values.
    package init(
      model: String, positives: String, negatives: String, positiveCount: Int, negativeCount: Int, area: Estimate,
      chanceDeviation: Double, shareAt1: Estimate?, shareAt01: Estimate?
    ) {
      self.model = model
      self.positives = positives
      self.negatives = negatives
      self.positiveCount = positiveCount
      self.negativeCount = negativeCount
      self.area = area
      self.chanceDeviation = chanceDeviation
      self.shareAt1 = shareAt1
      self.shareAt01 = shareAt01
    }
  }

  /// An attack on each shadow model by the others: mean and standard deviation over models.
  package struct LeaveOneOut: Sendable, Equatable, Codable {
    /// How many models were attacked.
    package var models: Int
    /// The area under the curve.
    package var areaMean, areaDeviation: Double
    /// The share found at 1 % false positives; nil with too few negatives.
    package var shareAt1Mean: Double?

    enum CodingKeys: String, CodingKey {
      case models
      case areaMean = "auc_mean"
      case areaDeviation = "auc_deviation"
      case shareAt1Mean = "tpr_at_fpr_0.01_mean"
    }

    /// Makes a record of all its values.
    package init(models: Int, areaMean: Double, areaDeviation: Double, shareAt1Mean: Double?) {
      self.models = models
      self.areaMean = areaMean
      self.areaDeviation = areaDeviation
      self.shareAt1Mean = shareAt1Mean
    }
  }

  /// KLOM on one set.
  package struct Divergence: Sendable, Equatable, Codable {
    /// The set.
    package var set: String
    /// How many samples it has.
    package var samples: Int
    /// Unlearned against retrained models: mean and 95th percentile over samples, in nats.
    package var unlearned: Spread
    /// Original models, before they forgot, against retrained ones.
    package var original: Spread
    /// Where nothing differs: the models dealt out at random, mean over repetitions.
    package var chance: Spread
    /// The standard deviation of the chance's mean over repetitions.
    package var chanceDeviation: Double

    enum CodingKeys: String, CodingKey {
      case set, samples, unlearned, original, chance
      case chanceDeviation = "chance_deviation"
    }

    /// Makes a row of all its values.
    package init(
      set: String, samples: Int, unlearned: Spread, original: Spread, chance: Spread, chanceDeviation: Double
    ) {
      self.set = set
      self.samples = samples
      self.unlearned = unlearned
      self.original = original
      self.chance = chance
      self.chanceDeviation = chanceDeviation
    }
  }

  /// Mean and 95th percentile over samples.
  package struct Spread: Sendable, Equatable, Codable {
    /// The mean.
    package var mean: Double
    /// The 95th percentile.
    package var percentile95: Double

    enum CodingKeys: String, CodingKey {
      case mean
      case percentile95 = "percentile_95"
    }

    /// Makes a spread of its two values.
    package init(mean: Double, percentile95: Double) {
      self.mean = mean
      self.percentile95 = percentile95
    }
  }
}

extension AuditReport {
  /// The report as `report.json` holds it.
  package func json() -> String { Tree.encoding(self).prettyJSON() }

  /// Reads what `json()` wrote.
  package init(json data: Data, file: String) throws(RunError) {
    do {
      self = try RunEvent.decoder().decode(AuditReport.self, from: data)
    } catch let error as DecodingError {
      throw .unreadablePlan(file: file, reason: RunError.reason(error))
    } catch {
      throw .unreadablePlan(file: file, reason: "\(error)")
    }
  }
}
