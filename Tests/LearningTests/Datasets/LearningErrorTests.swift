import Foundation
import Testing

@testable import Learning

struct LearningErrorTests {
  private static let all: [LearningError] = [
    .interrupted(signal: 2),
    .missing(path: "data/mnist", expected: "a folder with the four IDX files of MNIST"),
    .unreadable(path: "data.tar", reason: "Permission denied"),
    .corruptArchive(path: "data.tar.xz", entry: nil, reason: "Truncated input"),
    .corruptArchive(path: "data.zip", entry: "train/cat/1.jpg", reason: "ZIP bad CRC"),
    .idxMagic(path: "train-images-idx3-ubyte", found: 0x801, expected: 0x803),
    .idxMagic(path: "train-labels-idx1-ubyte", found: 0x1F8B_0800, expected: 0x801),
    .idxLength(path: "train-images-idx3-ubyte", found: 100, expected: 47_040_016),
    .idxShape(path: "train-images-idx3-ubyte", count: 0, height: 28, width: 28),
    .idxCount(images: "train-images", imageCount: 3, labels: "train-labels", labelCount: 2),
    .idxSize(train: "train-images", trainSize: "28×28", test: "t10k-images", testSize: "32×32"),
    .labelRange(path: "t10k-labels", position: 3, label: 11, classes: 10),
    .missingPart(path: "photos", part: "test"),
    .emptyClass(path: "photos", part: "train", name: "cat"),
    .unpairedClass(path: "photos", name: "cat", present: "train", absent: "test"),
    .strayFile(path: "photos.zip", entry: "train/readme.txt"),
    .badImage(path: "photos", entry: "train/cat/1.png", reason: "it has transparent pixels"),
    .imageShape(
      path: "photos", entry: "train/cat/1.jpg", found: "32×31 RGB", expected: "32×32 RGB", first: "train/ant/0.jpg"),
    .cifar(path: "cifar", reason: "lacks 'test_batch.bin'"),
    .arrays(path: "data.npz", reason: "has no array 'x_train'"),
    .matlab(path: "train_32x32.mat"),
    .missingTinyPart(path: "tiny", part: "val/images"),
    .strayTinyFile(path: "tiny", entry: "val/images/list.txt"),
    .annotations(path: "tiny/val/val_annotations.txt", line: 3, reason: "is 'val_0.JPEG n01'"),
    .annotations(path: "tiny/words.txt", line: nil, reason: "is not text"),
    .annotations(path: "tiny/wnids.txt", line: nil, reason: "lacks the class 'n01' of 'train'"),
    .countTooLarge(what: "forget.random", asked: 5_000, available: 4_500),
    .badAmount(what: "data.validation", value: -1),
    .emptyForgetSet,
    .forgetEverything(count: 9_000),
    .nothingButValidation(count: 400),
    .unknownClass(name: "dgo", known: ["cat", "dog"]),
    .unknownClass(name: "dgo", known: (0..<30).map { "n\($0)" }),
    .ambiguousClass(name: "crane", classes: ["n01", "n02"]),
    .fileList(path: "list.txt", line: 2, reason: "names 'train/cat/1.jpg' a second time"),
    .unknownFile(
      path: "list.txt", line: 2, name: "train/cat/3.jpg", nearest: "train/cat/2.jpg", count: 50_000),
    .unknownFile(path: "list.txt", line: 2, name: "x", nearest: nil, count: 50_000),
    .filesWithoutNames(path: "list.txt"),
    .heldOutAndForgotten(path: "validation.txt", index: 7),
    .forgottenBefore(index: 7),
    .indexFile(path: "forget.txt", reason: "has 'two' in line 2"),
    .indexRange(path: "forget.txt", index: 9_000, count: 9_000),
    .duplicateIndex(path: "forget.txt", index: 5),
    .splitHash(found: "0a", expected: "0b"),
    .emptySet(metric: "va", set: "validation"),
    .tooFewRetained(metric: "mia-svc-entropy", retain: 8_100, test: 10_000),
    .tooFewClasses(metric: "mia-svc-probabilities", classes: 1),
    .notFinite(metric: "loss-forget", set: "forget", position: 3),
    .attackFailed(reason: "C <= 0"),
  ]

  @Test func `every message about data and metrics is the recorded one`() throws {
    let golden = Beside.folder.appending(path: "Golden/data-errors.txt")
    let text = Self.all.map { "\($0.exitCode) \($0.description)\n" }.joined()
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try text.write(to: golden, atomically: true, encoding: .utf8)
      Issue.record("recorded; look at the difference and run again without RECORD_GOLDEN")
    }
    #expect(try String(contentsOf: golden, encoding: .utf8) == text)
  }
}
