import Learning
import Tensors

extension PreparedData {
  /// Training images at positions, as batches have them but in rows.
  func images(at positions: [Int32]) throws -> Tensor {
    let device = train.pixels.device
    let indices = try Tensor(positions.map { Int64($0) }, shape: [positions.count], device: device)
    return try train.images(at: indices, channelsLast: false)
  }

  /// Different images of a set in the order of the set, at most so many; nil for an empty set.
  func distinctImages(of part: Split.Part, atMost limit: Int) throws -> Tensor? {
    try distinctImages(at: part == .forget ? split.forget : split.retain, atMost: limit)
  }

  /// Different images at training positions in their order, at most so many; nil for no position.
  func distinctImages(at positions: [Int32], atMost limit: Int) throws -> Tensor? {
    guard !positions.isEmpty else { return nil }
    var seen: Set<[UInt8]> = []
    var chosen: [Int32] = []
    // In blocks: a set may be large, and its front is mostly enough.
    for start in stride(from: 0, to: positions.count, by: 4096) {
      let block = Array(positions[start..<min(start + 4096, positions.count)])
      let indices = try Tensor(block.map { Int64($0) }, shape: [block.count], device: train.pixels.device)
      let bytes = try train.pixels.indexSelect(0, indices).uint8s()
      let size = bytes.count / block.count
      for (place, position) in block.enumerated() where chosen.count < limit {
        if seen.insert(Array(bytes[place * size..<(place + 1) * size])).inserted { chosen.append(position) }
      }
      if chosen.count == limit { break }
    }
    return try images(at: chosen)
  }

  /// The class that every sample of the forget set is of; nil where they are of several, or of one that was added.
  var forgottenClass: Int? {
    get throws {
      try soleClass(of: split.forget)
    }
  }

  /// The class that every sample at these training positions is of; nil where they are of several, or of one that was added.
  func soleClass(of positions: [Int32]) throws -> Int? {
    guard let first = positions.first else { return nil }
    let labels = try train.labels.int64s()
    let label = labels[Int(first)]
    guard label < Int64(ownClasses), positions.allSatisfy({ labels[Int($0)] == label }) else { return nil }
    return Int(label)
  }
}
