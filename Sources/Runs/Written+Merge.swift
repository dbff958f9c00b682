extension Written {
  /// Keys whose value is a part: another plugin replaces the whole part, the same one only the keys that are given.
  private static let partKeys = ["objective", "reweighter", "mask", "updater", "procedure"]

  /// Puts `value` at `key`, over what was there. For maps.
  mutating func set(_ key: String, place: Place, to value: Written) {
    guard var entries else { preconditionFailure("a key set outside a map") }
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index].place = place
      entries[index].value = value
    } else {
      entries.append(Entry(key: key, place: place, value: value))
    }
    content = .map(entries)
  }

  /// `over` on top of `base`: maps key by key, everything else as a whole. Null takes away.
  static func merge(_ base: Written, with over: Written) -> Written {
    guard base.entries != nil, let news = over.entries else { return over }
    var merged = base
    for entry in news {
      let below = merged[entry.key]
      let value =
        if let below {
          partKeys.contains(entry.key) ? mergePart(below, entry.value) : merge(below, with: entry.value)
        } else { entry.value }
      merged.set(entry.key, place: entry.place, to: value)
    }
    return merged.withoutAlternatives(to: news)
  }

  /// Keys of which a map has one: which samples are forgotten.
  private static let forgetKeys = ["random", "class", "indices"]

  /// A procedure takes the place of what makes steps, and an objective that of a procedure; of the ways to say what is
  /// forgotten the new one holds.
  private func withoutAlternatives(to news: [Entry]) -> Written {
    func isGiven(_ key: String) -> Bool { news.contains { $0.key == key && !$0.value.isNull } }
    var replaced =
      isGiven("procedure") ? ["objective", "reweighter", "updater"] : isGiven("objective") ? ["procedure"] : []
    if Written.forgetKeys.contains(where: isGiven) { replaced += Written.forgetKeys }
    guard let entries, !replaced.isEmpty else { return self }
    var merged = self
    merged.content = .map(entries.filter { !replaced.contains($0.key) || isGiven($0.key) })
    return merged
  }

  private static func mergePart(_ below: Written, _ over: Written) -> Written {
    guard over.entries != nil || over.partID != nil else { return over }
    guard over.partID == nil || over.partID == below.partID else { return over }
    return merge(below.asPartMap, with: over.asPartMap)
  }

  /// The plugin that a part names.
  private var partID: String? {
    let name = entries == nil ? self : self["plugin"]
    guard case .scalar(.string(let id)) = name?.content else { return nil }
    return id
  }

  /// A part named by its plugin alone, as a map.
  private var asPartMap: Written {
    guard entries == nil, partID != nil else { return self }
    return Written(content: .map([Entry(key: "plugin", place: place, value: self)]), place: place)
  }

  /// Puts the values of `key.path=value` in their places; a number in a path counts the items of a list from 0.
  mutating func apply(_ overrides: [String]) throws(RunError) {
    for text in overrides {
      guard let equals = text.firstIndex(of: "=") else { throw .badOverride(text, reason: "there is no '='") }
      let path = text[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard path.allSatisfy({ !$0.isEmpty }) else { throw .badOverride(text, reason: "a key is empty") }
      let value = try Written.parse(value: String(text[text.index(after: equals)...]), override: text)
      self = try replacing(path[...], with: value, text: text)
    }
  }

  private func replacing(_ path: ArraySlice<String>, with value: Written, text: String) throws(RunError) -> Written {
    guard let key = path.first else { return value }
    let rest = path.dropFirst()
    var changed = self
    switch content {
    case .list(var items):
      guard let index = Int(key), items.indices.contains(index) else {
        throw .badOverride(text, reason: "'\(key)' is no item of a list of \(items.count)")
      }
      items[index] = try items[index].replacing(rest, with: value, text: text)
      changed.content = .list(items)
      return changed
    case .scalar(.null): changed.content = .map([])
    case .scalar: throw .badOverride(text, reason: "'\(key)' would be under \(words), which is no map")
    case .map: break
    }
    var below = changed[key] ?? .null(value.place)
    if !rest.isEmpty, Written.partKeys.contains(key) { below = below.asPartMap }
    changed.set(key, place: value.place, to: try below.replacing(rest, with: value, text: text))
    return changed
  }
}
