extension RunReport {
  /// Reads a report. Lists and maps that reports of earlier versions lack are empty.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func list<Item: Decodable>(_ key: CodingKeys) throws -> [Item] {
      try container.decodeIfPresent([Item].self, forKey: key) ?? []
    }
    self.init(
      name: try container.decode(String.self, forKey: .name),
      variant: try container.decodeIfPresent(String.self, forKey: .variant),
      seed: try container.decode(UInt64.self, forKey: .seed),
      planHash: try container.decode(String.self, forKey: .planHash),
      origins: try container.decodeIfPresent([String: String].self, forKey: .origins) ?? [:],
      outcome: try container.decode(RunOutcome.self, forKey: .outcome),
      versions: try container.decode([String: String].self, forKey: .versions),
      plugins: try container.decode([PluginUse].self, forKey: .plugins),
      split: try container.decodeIfPresent(SplitSummary.self, forKey: .split),
      phases: try container.decode([PhaseRecord].self, forKey: .phases),
      steps: try container.decode(Int.self, forKey: .steps),
      unlearnSeconds: try container.decodeIfPresent(Double.self, forKey: .unlearnSeconds),
      models: try container.decode([ModelRecord].self, forKey: .models),
      history: try container.decode([ModelRecord].self, forKey: .history),
      losses: try list(.losses), histograms: try list(.histograms), classes: try list(.classes),
      referenceCurves: try list(.referenceCurves), masks: try list(.masks),
      swaps: try container.decode([SwapRecord].self, forKey: .swaps),
      warnings: try container.decode([String].self, forKey: .warnings),
      stopReason: try container.decodeIfPresent(String.self, forKey: .stopReason),
      files: try container.decode([String: String].self, forKey: .files))
  }
}
