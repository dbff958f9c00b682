import Glibc
import Learning
import PluginHost
import Tensors

/// One life of one strategy, all of it drawn from a number: the same number gives the same life.
struct FuzzCase {
  /// Something that is done to the instance.
  enum Deed: Equatable {
    case prepare
    case step(Int)
    /// Saves the state and keeps it.
    case save
    /// Loads what was kept last, changed or not.
    case load(Damage)
    case retune([FuzzCase.Value])
    /// Asks the run to stop.
    case cancel
    case finish
  }

  /// What becomes of a state before it is loaded.
  enum Damage: Equatable {
    case none
    /// So many bytes of a hundred are left.
    case cut(Int)
    /// So many bytes are others, from this number on.
    case changed(Int, seed: UInt64)
    /// Another version.
    case version(UInt32)
  }

  struct Value: Equatable {
    let key: String
    let value: ParameterValue
  }

  let strategy: StrategyManifest
  let task: String
  private(set) var variant = Rig.Variant()
  private(set) var values: [Value] = []
  private(set) var deeds: [Deed] = []
  /// Values that the manifest does not allow: they must not come to the plugin.
  private(set) var forbidden: [Value] = []
  // Of `CheckMode`.
  private(set) var failing = 0
  private(set) var tail = 0
  private(set) var capacity: Int?
  private(set) var piece: Int?
  private(set) var lendsForeign = false

  /// Whether the plugin may fail, as long as it says why.
  private(set) var isOdd = false

  /// The life of that number; nil for a plugin without strategies that this host knows.
  init?(_ number: UInt64, of manifest: Manifest) {
    var random = Philox(seed: number, label: "lethe plugin fuzz")
    let known = manifest.strategies.filter { $0.knownRole != nil && !$0.tasks.isEmpty }
    guard !known.isEmpty else { return nil }
    strategy = known[random.integer(below: known.count)]
    task = strategy.tasks[random.integer(below: strategy.tasks.count)]
    drawShapes(&random)
    drawNumbers(&random)
    drawParameters(&random)
    drawHost(&random)
    drawDeeds(&random)
  }

  // MARK: What it is given

  private mutating func drawShapes(_ random: inout Philox) {
    variant.seed = UInt64(random.integer(below: 1000))
    variant.forget = random.integer(below: 18)
    variant.retain = random.integer(below: 18)
    variant.hasGaps = random.happens(20)
    if variant.forget == 0 || variant.retain == 0 { isOdd = true }
    if random.happens(10) {
      variant.dtype = .float64
      isOdd = true
    }
    if random.happens(10) {
      variant.outputs = .bfloat16
      isOdd = true
    }
    if random.happens(5) {
      variant.otherSets = UInt32(1) << UInt32(2 + random.integer(below: 30))
      isOdd = true
    }
  }

  private mutating func drawNumbers(_ random: inout Philox) {
    if random.happens(20) {
      variant.poison = random.one(of: [.nan, .infinity, -.infinity, 1e38, -1e38, 1e-40, 0, -0.0, 1e6, -1])
      isOdd = true
    }
    if random.happens(20) {
      variant.scale = random.one(of: [0, 1e-30, 1e-6, 1e3, 1e10, 1e30, -1])
      isOdd = true
    }
  }

  private mutating func drawParameters(_ random: inout Philox) {
    for parameter in strategy.parameters {
      if random.happens(10), let outside = parameter.outside(&random) {
        forbidden.append(Value(key: parameter.key, value: outside))
      }
      guard random.happens(40) else { continue }
      values.append(Value(key: parameter.key, value: parameter.inside(&random)))
      // Two values that are fine alone may not be so together.
      isOdd = true
    }
    variant.parameters = values.map { (key: $0.key, value: $0.value) }
  }

  private mutating func drawHost(_ random: inout Philox) {
    if random.happens(25) { failing = 1 + random.integer(below: 60) }
    if random.happens(10) { tail = 8 * (1 + random.integer(below: 16)) }
    if random.happens(10) { capacity = random.one(of: [0, 1, 2, 8, 64]) }
    if random.happens(10) { piece = 1 + random.integer(below: 9) }
    if random.happens(5) { lendsForeign = true }
    if failing > 0 || lendsForeign { isOdd = true }
  }

  // MARK: What is done

  private mutating func drawDeeds(_ random: inout Philox) {
    // Some lives end before they begin.
    if random.happens(5) { return }
    if random.happens(3) { addCancel() }
    deeds.append(.prepare)
    let isProcedure = strategy.knownRole == .procedure
    var step = 0
    var hasSaved = false
    for _ in 0..<random.integer(below: isProcedure ? 4 : 12) {
      switch random.integer(below: 10) {
      case 0:
        deeds.append(.save)
        hasSaved = true
      case 1 where hasSaved: deeds.append(.load(damage(&random)))
      case 2 where strategy.parameters.contains(where: \.isTunable): deeds.append(.retune(tuned(&random)))
      case 3 where random.happens(10): addCancel()
      case _ where isProcedure && step > 0: break
      default:
        deeds.append(.step(step))
        // Steps are numbered without a gap, but for a run that goes on elsewhere.
        step += random.happens(5) ? 1 + random.integer(below: 5) : 1
      }
    }
    if random.happens(70) { deeds.append(.finish) }
  }

  private mutating func addCancel() {
    deeds.append(.cancel)
    isOdd = true
  }

  private mutating func damage(_ random: inout Philox) -> Damage {
    guard random.happens(50) else { return .none }
    isOdd = true
    return switch random.integer(below: 3) {
    case 0: .cut(random.integer(below: 100))
    case 1: .changed(1 + random.integer(below: 8), seed: random.next64())
    default: .version(random.next32())
    }
  }

  private mutating func tuned(_ random: inout Philox) -> [Value] {
    isOdd = true
    let tunable = strategy.parameters.filter(\.isTunable)
    let new = tunable[random.integer(below: tunable.count)]
    return values.filter { $0.key != new.key } + [Value(key: new.key, value: new.inside(&random))]
  }
}

extension Philox {
  /// True so many times of a hundred.
  fileprivate mutating func happens(_ percent: Int) -> Bool { integer(below: 100) < percent }

  fileprivate mutating func one<Value>(of values: [Value]) -> Value { values[integer(below: values.count)] }
}

extension ParameterManifest {
  /// A number without bounds lies between these.
  private static let usual = -1000.0...1000.0

  /// A value that the manifest allows: often one at an edge.
  fileprivate func inside(_ random: inout Philox) -> ParameterValue {
    switch type {
    case .bool: return .bool(random.happens(50))
    case .string:
      return .string(choices.isEmpty ? random.one(of: ["", "x", "ä\u{1F600}", "a b"]) : random.one(of: choices))
    case .int:
      let range = bounds
      let edges = [minimum, maximum, defaultNumber].compactMap(\.self)
      let value = random.happens(50) && !edges.isEmpty ? random.one(of: edges) : number(in: range, &random)
      // Not beyond an edge by rounding.
      let whole = Swift.min(Swift.max(value.rounded(), range.lowerBound.rounded(.up)), range.upperBound.rounded(.down))
      return .int(Int64(exactly: whole) ?? 1)
    case .float:
      let edges = [minimum, maximum, defaultNumber].compactMap(\.self)
      return .float(random.happens(40) && !edges.isEmpty ? random.one(of: edges) : number(in: bounds, &random))
    }
  }

  /// A value that the manifest does not allow; nil where there is none of its type.
  fileprivate func outside(_ random: inout Philox) -> ParameterValue? {
    switch type {
    case .bool: nil
    case .string: choices.isEmpty ? nil : .string("no such choice")
    case .int, .float:
      if type == .float, random.happens(30) {
        .float(random.one(of: [.nan, .infinity, -.infinity]))
      } else if let maximum, maximum < 1e15, random.happens(50) {
        type == .int ? .int(Int64(maximum.rounded(.down)) + 1) : .float(maximum + 1)
      } else if let minimum, minimum > -1e15 {
        type == .int ? .int(Int64(minimum.rounded(.up)) - 1) : .float(minimum - 1)
      } else {
        nil
      }
    }
  }

  private var bounds: ClosedRange<Double> {
    let low = minimum ?? Swift.min(Self.usual.lowerBound, maximum ?? 0)
    let high = maximum ?? Swift.max(Self.usual.upperBound, low)
    return low...Swift.max(low, high)
  }

  private var defaultNumber: Double? {
    switch defaultValue {
    case .int(let value): Double(value)
    case .float(let value): value
    default: nil
    }
  }

  private func number(in range: ClosedRange<Double>, _ random: inout Philox) -> Double {
    let share = random.uniform()
    // Large ranges are meant by orders of magnitude.
    guard range.lowerBound > 0, range.upperBound / range.lowerBound > 1000 else {
      return Swift.min(range.upperBound, range.lowerBound + share * (range.upperBound - range.lowerBound))
    }
    let (low, high) = (log(range.lowerBound), log(range.upperBound))
    return Swift.min(range.upperBound, Swift.max(range.lowerBound, exp(low + share * (high - low))))
  }
}
