import Foundation

/// What was written: a recipe's text, the `key=value` of the command line, and which method of it is meant.
package struct RunConfig: Sendable, Equatable, Codable {
  /// The recipe's file as the user named it, for messages.
  package var file: String
  /// The folder of that file, absolute: paths in the recipe start there.
  package var folder: String
  /// The recipe's text.
  package var text: String
  /// The recipes that it is written on top of, by its `from`: the nearest first.
  package var bases: [RecipeText] = []
  /// `key.path=value`, later ones win.
  package var overrides: [String]
  /// The method of the recipe's `methods` that is meant; nil for the recipe itself.
  package var variant: String?

  /// Makes a recipe of its parts.
  package init(file: String, folder: String, text: String, overrides: [String] = [], variant: String? = nil) {
    self.file = file
    self.folder = folder
    self.text = text
    self.overrides = overrides
    self.variant = variant
  }

  /// Reads a recipe's file, and those that it is written on top of.
  ///
  /// - Parameter currentFolder: what a relative `path` starts from, absolute.
  package init(path: String, overrides: [String] = [], currentFolder: String) throws(RunError) {
    let recipe = try RecipeText(path: path, absolute: Paths.absolute(path, in: currentFolder), shown: path)
    self.init(file: recipe.file, folder: recipe.folder, text: recipe.text, overrides: overrides)
    bases = try recipe.bases()
  }

  /// The recipe's name when it says none: its file's name without the ending.
  var defaultName: String {
    let last = file.split(separator: "/").last.map(String.init) ?? file
    for ending in [".yaml", ".yml"] where last.hasSuffix(ending) && last != ending {
      return String(last.dropLast(ending.count))
    }
    return last
  }

  /// The recipe with overrides applied and its method merged in.
  func root() throws(RunError) -> Written {
    let own = RecipeText(file: file, folder: folder, text: text)
    var root = try (bases.last ?? own).root()
    for upper in (bases.dropLast().reversed() + [own]) where !bases.isEmpty {
      root = Written.merge(root, with: try upper.root())
    }
    try root.apply(overrides)
    try checkFrom(root)
    guard let variant = try method(of: root) else { return root }
    let methods = try RunConfig.methods(of: root)
    guard let method = methods.first(where: { $0.key == variant }) else {
      throw .unknownMethod(variant, nearest: nearest(to: variant, in: methods.map(\.key)), known: methods.map(\.key))
    }
    guard !method.value.isNull else { return root }
    let pipeline = root["pipeline"] ?? Written(content: .map([]), place: root.place)
    root.set("pipeline", place: method.place, to: Written.merge(pipeline, with: method.value))
    // An override of the pipeline is meant for every method.
    try root.apply(overrides.filter { $0.hasPrefix("pipeline.") || $0.hasPrefix("pipeline=") })
    return root
  }

  /// The method that is meant: `variant`, or what the recipe says with `method`.
  func method(of root: Written) throws(RunError) -> String? {
    if let variant { return variant }
    guard let written = root["method"], !written.isNull else { return nil }
    guard case .scalar(.string(let name)) = written.content else {
      throw .wrongType(written.place, key: "method", expected: "a name under 'methods'", found: written.words)
    }
    return name
  }

  /// The folder that a path starts from which was written at that place, absolute.
  func folder(of place: Place) -> String {
    guard case .file(let name, _) = place else { return folder }
    return bases.first { $0.file == name }?.folder ?? folder
  }

  /// `from` was followed when the recipe's file was read; elsewhere nobody would follow it.
  private func checkFrom(_ root: Written) throws(RunError) {
    guard let from = root["from"], !from.isNull else { return }
    if case .override = from.place {
      throw .doesNotGoWith(from.place, key: "from", other: "the command line", hint: "write it into a recipe")
    }
    guard !bases.isEmpty else {
      throw .doesNotGoWith(
        from.place, key: "from", other: "a recipe that is no file", hint: "write the keys themselves")
    }
  }

  private static func methods(of root: Written) throws(RunError) -> [Written.Entry] {
    guard let methods = root["methods"], !methods.isNull else { return [] }
    guard let entries = methods.entries else {
      throw .wrongType(methods.place, key: "methods", expected: "a map of names", found: methods.words)
    }
    for entry in entries where entry.value.entries == nil && !entry.value.isNull {
      throw .wrongType(
        entry.value.place, key: "methods.\(entry.key)", expected: "a map of keys of 'pipeline'",
        found: entry.value.words)
    }
    return entries
  }
}

/// One of several runs that are compared.
package struct Variant: Sendable, Equatable {
  /// What the comparison calls it; runs that differ only in their seed have the same.
  package var name: String
  /// What was written.
  package var config: RunConfig

  /// Makes a variant of its two halves.
  package init(name: String, config: RunConfig) {
    self.name = name
    self.config = config
  }
}

extension RunConfig {
  /// The recipe's methods in order, the one that it chooses with `method`, or the recipe itself when it has none.
  ///
  /// - Parameter names: only these methods, in this order.
  package func variants(named names: [String]? = nil) throws(RunError) -> [Variant] {
    let root = try root()
    let known = try RunConfig.methods(of: root).map(\.key)
    guard !known.isEmpty else {
      if let name = names?.first { throw .unknownMethod(name, nearest: nil, known: ["no methods"]) }
      guard let name = root["name"], case .scalar(let value) = name.content, value != .null else {
        return [Variant(name: defaultName, config: self)]
      }
      if case .string(let text) = value { return [Variant(name: text, config: self)] }
      return [Variant(name: value.flow, config: self)]
    }
    var variants: [Variant] = []
    let method = try method(of: root)
    for name in names ?? method.map({ [$0] }) ?? known {
      guard known.contains(name) else {
        throw .unknownMethod(name, nearest: nearest(to: name, in: known), known: known)
      }
      var config = self
      config.variant = name
      variants.append(Variant(name: name, config: config))
    }
    return variants
  }

  /// Every combination of the values of sweeps, each `key.path=a,b,c`; the last sweep changes fastest.
  ///
  /// Names gain the values swept over, all but seeds: what differs only in seeds is one row of a comparison.
  package static func sweep(_ variants: [Variant], over sweeps: [String]) throws(RunError) -> [Variant] {
    var swept = variants
    for sweep in sweeps {
      let (key, values) = try parse(sweep: sweep)
      let isSeed = key == "seed" || key.hasSuffix(".seed") || key.hasSuffix("_seed")
      let shortKey = key.split(separator: ".").last.map(String.init) ?? key
      swept = swept.flatMap { variant in
        values.map { value in
          var next = variant
          next.config.overrides.append("\(key)=\(value)")
          if !isSeed { next.name += " \(shortKey)=\(value)" }
          return next
        }
      }
    }
    return swept
  }

  private static func parse(sweep text: String) throws(RunError) -> (key: String, values: [String]) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw .badSweep(text, reason: "there is no '='")
    }
    let key = String(text[..<equals])
    let list: Written
    do {
      list = try Written.parse(value: "[\(text[text.index(after: equals)...])]", override: text)
    } catch {
      throw .badSweep(text, reason: "the values cannot be read")
    }
    guard case .list(let items) = list.content, !items.isEmpty else {
      throw .badSweep(text, reason: "there is no value")
    }
    return (key, items.map(\.tree.flow))
  }
}
