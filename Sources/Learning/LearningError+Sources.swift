extension LearningError {
  /// Messages about sources of images beyond IDX files and image folders.
  var sourceDescription: String {
    switch self {
    case .cifar(let path, let reason):
      "'\(path)' \(reason); expected the binary version: data_batch_1.bin to data_batch_5.bin and test_batch.bin "
        + "(CIFAR-10), or train.bin and test.bin (CIFAR-100)"
    case .arrays(let path, let reason):
      "'\(path)' \(reason); expected x_train, y_train, x_test and y_test: images as uint8 [N, H, W], [N, H, W, C] or "
        + "[N, C, H, W] with 1 or 3 channels, labels as whole numbers [N]"
    case .matlab(let path):
      "'\(path)' is a MATLAB file, which is not read; scripts/convert-svhn makes a .npz of SVHN, for 'source: npz'"
    case .missingTinyPart(let path, let part):
      "'\(path)' has no '\(part)'; expected Tiny-ImageNet as it is distributed: train/<wnid>/images/*.JPEG, "
        + "val/images/*.JPEG and val/val_annotations.txt"
    case .strayTinyFile(let path, let entry):
      "\(Self.place(path, entry)) is no image; expected names ending in .JPEG, .jpg or .png"
    case .annotations(let path, let line, let reason):
      "\(Self.line(line))'\(path)' \(reason); expected "
        + (path.hasSuffix("val_annotations.txt")
          ? "a line for each image of val/images: its name, a tab, its wnid"
          : path.hasSuffix("words.txt") ? "a wnid, a tab and words in each line" : "each folder of 'train' in a line")
    default: preconditionFailure("not an error of a source")
    }
  }

  /// Messages about lists of samples by name.
  var listDescription: String {
    switch self {
    case .ambiguousClass(let name, let classes):
      "'\(name)' is a word of \(classes.count) classes, \(Self.some(classes)); name one of these"
    case .fileList(let path, let line, let reason):
      "\(Self.line(line))'\(path)' \(reason); expected the path of one training image a line, each once"
    case .unknownFile(let path, let line, let name, let nearest, let count):
      "\(Self.line(line))'\(path)' names '\(name)', which is none of the \(count) training images; "
        + (nearest.map { "the nearest is '\($0)'" } ?? "expected paths from the data's folder")
    case .filesWithoutNames(let path):
      "'\(path)' lists files, but the images of this data are not in files; give 'forget: {indices: FILE}'"
    case .heldOutAndForgotten(let path, let index):
      "index \(index) in '\(path)' is to be forgotten as well; expected validation samples that nothing else uses"
    case .forgottenBefore(let index):
      "sample \(index) is listed to be forgotten, but an earlier request of 'forget' took it; expected each sample once"
    default: preconditionFailure("not an error about a list")
    }
  }

  private static func line(_ number: Int?) -> String { number.map { "line \($0) of " } ?? "" }
}
