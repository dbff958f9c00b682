/// A plot as SVG: two axes with their labels, and marks between them.
///
/// Lengths are in units of the drawing, of which a plot is 360 wide; pages show it at 0.9 to 1.3 times that, so that text of
/// 11 units can be read on a telephone. Every mark carries its values in `data-x` and `data-y` and the drawing its two
/// scales, so that a program can hold the picture to the numbers.
struct Plot {
  /// An axis: what it shows, with its unit, and from where to where.
  struct Axis {
    let label: String
    let scale: Scale
    /// About how many ticks it has.
    var ticks = 5
  }

  /// Width of every plot.
  static let width = 360.0
  /// What a character of a plot's text is about wide.
  static let character = 6.4

  /// What it is about, for programs: `losses`.
  let id: String
  /// What it is about, for people.
  let title: String
  let height: Double
  let xLabel, yLabel: String
  let xTicks, yTicks: [(value: Double, text: String)]
  let x, y: Scale
  /// What is drawn, in order.
  var marks: [Markup] = []
  /// Where labels stand already.
  var taken: [Box] = []

  /// A plot of two axes.
  ///
  /// - Parameter room: space to the right for labels, and above.
  init(
    id: String, title: String, x: Axis, y: Axis, height: Double = 240, room: (right: Double, top: Double) = (12, 12)
  ) {
    self.id = id
    self.title = title
    self.height = height
    (xLabel, yLabel) = (x.label, y.label)
    yTicks = y.scale.ticks(y.ticks)
    let widest = yTicks.map { Double($0.text.count) }.max() ?? 0
    let left = 24 + widest * Plot.character
    self.x = x.scale.drawn(from: left, to: Plot.width - room.right)
    self.y = y.scale.drawn(from: height - 38, to: room.top)
    xTicks = self.x.ticks(x.ticks)
  }

  /// Writes a length shortly.
  static func length(_ value: Double) -> String { NumberText.fixed(value, 2) }

  /// The drawing.
  var svg: Markup {
    Markup(
      "svg",
      [
        "viewBox": "0 0 \(Plot.length(Plot.width)) \(Plot.length(height))", "xmlns": "http://www.w3.org/2000/svg",
        "role": "img", "aria-label": "\(title). Across: \(xLabel). Up: \(yLabel).", "data-plot": id,
        "data-x-scale": x.description, "data-y-scale": y.description,
      ],
      [Markup("title", text: title), frame] + marks)
  }

  /// Grid, ticks and axis labels.
  private var frame: Markup {
    let (left, right, bottom, top) = (x.start, x.end, y.start, y.end)
    var parts: [Markup] = []
    for tick in yTicks {
      let at = y.position(tick.value)
      parts.append(Plot.line("grid", left, at, right, at))
      parts.append(Plot.text(tick.text, left - 5, at + 3.8, anchor: "end", class: "tick"))
    }
    var free = -Double.infinity
    for tick in xTicks {
      let at = x.position(tick.value)
      let half = Double(tick.text.count) * Plot.character / 2
      parts.append(Plot.line("axis", at, bottom, at, bottom + 4))
      // A text that would touch its neighbour is left out; its tick stays.
      guard at - half > free + 3 else { continue }
      free = at + half
      parts.append(Plot.text(tick.text, min(at, Plot.width - half - 1), bottom + 15, anchor: "middle", class: "tick"))
    }
    parts.append(Plot.line("axis", left, bottom, right, bottom))
    parts.append(Plot.line("axis", left, bottom, left, top))
    parts.append(Plot.text(xLabel, (left + right) / 2, bottom + 32, anchor: "middle", class: "label"))
    let middle = (top + bottom) / 2
    parts.append(
      Plot.text(yLabel, 11, middle, anchor: "middle", class: "label")
        .adding(["transform": "rotate(-90 11 \(Plot.length(middle)))"]))
    return Markup("g", ["class": "frame"], parts)
  }

  /// A straight line.
  static func line(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> Markup {
    Markup("line", ["class": kind, "x1": length(x1), "y1": length(y1), "x2": length(x2), "y2": length(y2)])
  }

  /// A line of text.
  static func text(_ text: String, _ x: Double, _ y: Double, anchor: String, class kind: String) -> Markup {
    Markup("text", ["class": kind, "x": length(x), "y": length(y), "text-anchor": anchor], text: text)
  }

  /// A text cut to so many characters.
  static func cut(_ text: String, _ characters: Int) -> String {
    text.count <= characters ? text : text.prefix(characters - 1) + "…"
  }
}

/// A rectangle.
struct Box {
  var left, top, right, bottom: Double

  /// How much of the rectangle another one covers.
  func overlap(_ other: Box) -> Double {
    max(0, min(right, other.right) - max(left, other.left)) * max(0, min(bottom, other.bottom) - max(top, other.top))
  }
}

/// How a series of marks looks: colour, shape and dashes all differ, so that neither colour nor print is needed to tell.
struct SeriesLook {
  /// The place in the list of looks.
  let number: Int

  /// Looks that models and sets have in every plot.
  static let original = SeriesLook(number: 6)
  static let retrained = SeriesLook(number: 1)
  static let unlearned = SeriesLook(number: 0)

  /// The look of a model.
  static func model(_ model: MeasuredModel) -> SeriesLook {
    switch model {
    case .original: original
    case .retrained: retrained
    case .unlearned, .step: unlearned
    }
  }

  /// The class that gives the colour.
  var color: String { "s\(number % 7)" }
  /// The class that gives colour and dashes.
  var stroke: String { "\(color) d\(number % 7)" }

  /// The mark around a point.
  func marker(_ x: Double, _ y: Double, size: Double = 4) -> Markup {
    let r = size
    func at(_ dx: Double, _ dy: Double) -> String { "\(Plot.length(x + dx * r)) \(Plot.length(y + dy * r))" }
    func path(_ points: [(Double, Double)]) -> String {
      "M" + points.map { at($0.0, $0.1) }.joined(separator: "L") + "Z"
    }
    let d =
      switch number % 7 {
      case 0:
        "M\(at(-1, 0))a\(Plot.length(r)) \(Plot.length(r)) 0 1 0 \(Plot.length(2 * r)) 0a\(Plot.length(r)) \(Plot.length(r)) 0 1 0 \(Plot.length(-2 * r)) 0Z"
      case 1: path([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])
      case 2: path([(0, -1.15), (1.1, 0.85), (-1.1, 0.85)])
      case 3: path([(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)])
      case 4: path([(0, 1.15), (1.1, -0.85), (-1.1, -0.85)])
      case 5:
        path([
          (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4), (0.4, 1.2), (-0.4, 1.2),
          (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4),
        ])
      default:
        path([
          (0, -0.5), (0.7, -1.2), (1.2, -0.7), (0.5, 0), (1.2, 0.7), (0.7, 1.2), (0, 0.5), (-0.7, 1.2), (-1.2, 0.7),
          (-0.5, 0), (-1.2, -0.7), (-0.7, -1.2),
        ])
      }
    // From the second round on a shape is hollow.
    return Markup("path", ["class": "mark \(color)\((number / 7) % 2 == 1 ? " hollow" : "")", "d": d])
  }
}
