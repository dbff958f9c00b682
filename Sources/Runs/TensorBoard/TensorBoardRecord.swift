/// Records of a TensorBoard event file: `Event` messages (tensorflow/core/util/event.proto) in the frames of TFRecord.
enum TensorBoardRecord {
  /// One value of a `Summary`.
  enum Value {
    case scalar(Double)
    /// `counts[i]` values lie between `edges[i]` and `edges[i + 1]`.
    case histogram(edges: [Double], counts: [Int])
  }

  /// What every file begins with.
  static func version(wallTime: Double) -> [UInt8] {
    var event = event(step: 0, wallTime)
    event.add(3, text: "brain.Event:2")
    return framed(event.bytes)
  }

  /// A session begins at this step: readers drop what earlier files of the folder say of it and of later ones.
  static func sessionStart(step: Int, wallTime: Double) -> [UInt8] {
    var log = ProtobufMessage()
    log.add(1, int: 1)
    var event = event(step: step, wallTime)
    event.add(7, message: log)
    return framed(event.bytes)
  }

  /// Values of one step by their tags.
  static func summary(step: Int, wallTime: Double, _ values: [(tag: String, value: Value)]) -> [UInt8] {
    var summary = ProtobufMessage()
    for (tag, value) in values {
      var message = ProtobufMessage()
      message.add(1, text: tag)
      switch value {
      case .scalar(let number): message.add(2, float: Float(number))
      case .histogram(let edges, let counts): message.add(5, message: histogram(edges, counts))
      }
      summary.add(1, message: message)
    }
    var event = event(step: step, wallTime)
    event.add(5, message: summary)
    return framed(event.bytes)
  }

  /// Length, its checksum, data, their checksum (tensorflow/core/lib/io/record_writer.h).
  static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = littleEndianBytes(UInt64(data.count))
    return length + littleEndianBytes(CRC32C.masked(length)) + data + littleEndianBytes(CRC32C.masked(data))
  }

  private static func event(step: Int, _ wallTime: Double) -> ProtobufMessage {
    var event = ProtobufMessage()
    event.add(1, double: wallTime)
    // As the format's own writers do, what has its default value is left out.
    if step != 0 { event.add(2, int: Int64(step)) }
    return event
  }

  /// A `HistogramProto`. Its sums stay unset: bins do not know them.
  private static func histogram(_ edges: [Double], _ counts: [Int]) -> ProtobufMessage {
    var histogram = ProtobufMessage()
    histogram.add(1, double: edges.first ?? 0)
    histogram.add(2, double: edges.last ?? 0)
    histogram.add(3, double: Double(counts.reduce(0, +)))
    histogram.add(6, doubles: Array(edges.dropFirst()))
    histogram.add(7, doubles: counts.map(Double.init))
    return histogram
  }
}
