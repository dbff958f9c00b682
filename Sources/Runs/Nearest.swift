/// The word of `words` that `word` was most likely meant to be, or nil when none is near.
///
/// Near: one that begins with `word`, or that at most a third of the letters (one of up to four, else at least two)
/// left out, added, changed or swapped with their neighbour make of it.
package func nearest(to word: String, in words: [String]) -> String? {
  if word.count >= 3, let longer = words.first(where: { $0.hasPrefix(word) }) { return longer }
  let limit = word.count <= 4 ? 1 : max(2, word.count / 3)
  let candidates = words.map { (word: $0, distance: editDistance(word, $0)) }
  guard let best = candidates.min(by: { $0.distance < $1.distance }), best.distance <= limit,
    best.distance < max(word.count, best.word.count)
  else { return nil }
  return best.word
}

/// How many letters have to be left out, added, changed or swapped with their neighbour to make one word the other.
/// Case and the choice between `-` and `_` count nothing.
func editDistance(_ first: String, _ second: String) -> Int {
  let a = Array(first.lowercased().map { $0 == "-" ? "_" : $0 })
  let b = Array(second.lowercased().map { $0 == "-" ? "_" : $0 })
  var older: [Int] = []
  var previous = Array(0...b.count)
  for i in 0..<a.count {
    var current = [i + 1]
    for j in 0..<b.count {
      var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, older[j - 1] + 1) }
      current.append(cost)
    }
    older = previous
    previous = current
  }
  return previous[b.count]
}
