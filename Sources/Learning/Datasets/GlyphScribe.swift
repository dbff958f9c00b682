/// A point of a sheet, x to the right, y downwards.
struct GlyphPoint {
  var x: Double
  var y: Double
}

/// A quadratic curve from one point to another, drawn towards a third.
struct GlyphStroke {
  var from: GlyphPoint
  var towards: GlyphPoint
  var to: GlyphPoint

  /// The point at `t` in 0 ... 1 along the stroke.
  func point(_ t: Double) -> GlyphPoint {
    let (a, b, c) = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t)
    return GlyphPoint(x: a * from.x + b * towards.x + c * to.x, y: a * from.y + b * towards.y + c * to.y)
  }
}

/// Writes one letter onto one sheet.
struct GlyphScribe {
  private let side: Int
  private var ink: [Double]

  init(side: Int) {
    self.side = side
    ink = Array(repeating: 0, count: side * side)
  }

  /// Draws the letter with a hand of its own and then the strokes that do not belong to it.
  mutating func write(_ letter: [GlyphStroke], _ random: inout Philox) {
    // A rotation without sine and cosine: (1−t²)/(1+t²) and 2t/(1+t²) lie on the circle for every t.
    let t = Self.spread(0.2, &random)
    let (cosine, sine) = ((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t))
    let shear = Self.spread(0.25, &random)
    let scaleX = 1.5 + 1.3 * random.uniform()
    let scaleY = 1.5 + 1.3 * random.uniform()
    let centreX = Double(side) / 2 + Self.spread(4, &random)
    let centreY = Double(side) / 2 + Self.spread(4, &random)
    let pen = 0.5 + 1.2 * random.uniform()
    let strength = 0.6 + 0.4 * random.uniform()
    func place(_ point: GlyphPoint, _ random: inout Philox) -> GlyphPoint {
      let x = (point.x - 4 + Self.spread(0.8, &random)) * scaleX
      let y = (point.y - 4 + Self.spread(0.8, &random)) * scaleY
      let slanted = x + shear * y
      return GlyphPoint(x: centreX + cosine * slanted - sine * y, y: centreY + sine * slanted + cosine * y)
    }
    for stroke in letter {
      let end = random.uniform() < 0.1 ? 0.4 + 0.5 * random.uniform() : 1
      let placed = GlyphStroke(
        from: place(stroke.from, &random), towards: place(stroke.towards, &random), to: place(stroke.to, &random))
      draw(placed, until: end, pen: pen, strength: strength)
    }
    for _ in 0..<random.integer(below: 3) {
      let from = GlyphPoint(x: Double(side) * random.uniform(), y: Double(side) * random.uniform())
      let towards = GlyphPoint(x: from.x + Self.spread(6, &random), y: from.y + Self.spread(6, &random))
      let to = GlyphPoint(x: towards.x + Self.spread(6, &random), y: towards.y + Self.spread(6, &random))
      draw(
        GlyphStroke(from: from, towards: towards, to: to), until: 1, pen: 0.5 + random.uniform(),
        strength: 0.5 + 0.5 * random.uniform())
    }
  }

  /// The sheet as bytes, with the paper's noise.
  func pixels(_ random: inout Philox) -> [UInt8] {
    ink.map { value in
      // Two uniform numbers make a triangle, the cheapest noise with a peak.
      let word = random.next32()
      let grain = Double(word & 0xFFFF) - Double(word >> 16)
      return UInt8(min(255, max(0, (value * 230 + 12 + grain / 65536 * 120).rounded())))
    }
  }

  /// Draws a stroke as eight straight pieces; where pieces overlap the darker ink stays.
  private mutating func draw(_ stroke: GlyphStroke, until end: Double, pen: Double, strength: Double) {
    let pieces = 8
    var last = stroke.point(0)
    for piece in 1...pieces {
      let next = stroke.point(end * Double(piece) / Double(pieces))
      draw(from: last, to: next, pen: pen, strength: strength)
      last = next
    }
  }

  private mutating func draw(from a: GlyphPoint, to b: GlyphPoint, pen: Double, strength: Double) {
    let reach = pen + 1
    let columns = range(min(a.x, b.x) - reach, max(a.x, b.x) + reach)
    let rows = range(min(a.y, b.y) - reach, max(a.y, b.y) + reach)
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let length = dx * dx + dy * dy
    for row in rows {
      for column in columns {
        let (px, py) = (Double(column) + 0.5 - a.x, Double(row) + 0.5 - a.y)
        let along = length > 0 ? min(1, max(0, (px * dx + py * dy) / length)) : 0
        let (ex, ey) = (px - along * dx, py - along * dy)
        let distance = (ex * ex + ey * ey).squareRoot()
        let value = strength * min(1, max(0, pen + 0.5 - distance))
        ink[row * side + column] = max(ink[row * side + column], value)
      }
    }
  }

  /// The pixels between two coordinates that lie on the sheet.
  private func range(_ low: Double, _ high: Double) -> Range<Int> {
    let first = min(Double(side), max(0, low.rounded(.down)))
    let last = min(Double(side), max(first, high.rounded(.up)))
    return Int(first)..<Int(last)
  }

  /// A number in −`width` ..< `width`.
  private static func spread(_ width: Double, _ random: inout Philox) -> Double {
    (2 * random.uniform() - 1) * width
  }
}
