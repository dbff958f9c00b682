/// What can go wrong in this module. The wording of every message lives here and nowhere else.
package enum LearningError: Error, Equatable, Sendable {
  // MARK: All

  /// The user asked to stop.
  case interrupted(signal: Int32)

  // MARK: Files

  /// A file or folder is not there.
  case missing(path: String, expected: String)
  /// The system refuses to read a file that is there.
  case unreadable(path: String, reason: String)
  /// An archive or a compressed file is damaged, or of a kind that cannot be read.
  case corruptArchive(path: String, entry: String?, reason: String)
  /// The system refuses to write a file.
  case unwritable(path: String, reason: String)

  // MARK: IDX

  /// The first four bytes of an IDX file are not those of its kind.
  case idxMagic(path: String, found: UInt32, expected: UInt32)
  /// An IDX file has more or fewer bytes than its header announces.
  case idxLength(path: String, found: Int, expected: Int)
  /// An IDX header announces nothing, or more than can be.
  case idxShape(path: String, count: Int, height: Int, width: Int)
  /// The two IDX files of a pair disagree about how many samples there are.
  case idxCount(images: String, imageCount: Int, labels: String, labelCount: Int)
  /// Training and test images have different sizes.
  case idxSize(train: String, trainSize: String, test: String, testSize: String)
  /// A label is not a class.
  case labelRange(path: String, position: Int, label: Int, classes: Int)

  // MARK: Image folders and archives

  /// The part `train` or `test` is not there, or has no class folders.
  case missingPart(path: String, part: String)
  /// A class folder has no image.
  case emptyClass(path: String, part: String, name: String)
  /// A class is in one part only.
  case unpairedClass(path: String, name: String, present: String, absent: String)
  /// A file lies elsewhere than in `train/<class>/` or `test/<class>/`, or its name ends otherwise than an image's.
  case strayFile(path: String, entry: String)
  /// An image cannot be decoded.
  case badImage(path: String, entry: String, reason: String)
  /// An image has another size or another number of channels than the first one.
  case imageShape(path: String, entry: String, found: String, expected: String, first: String)

  // MARK: Other sources

  /// The binary version of CIFAR-10 or CIFAR-100 is not as it should be; the reason goes on after the path.
  case cifar(path: String, reason: String)
  /// A file of arrays does not hold the four that are needed.
  case arrays(path: String, reason: String)
  /// A MATLAB file, which is not read.
  case matlab(path: String)
  /// A part of Tiny-ImageNet is not there.
  case missingTinyPart(path: String, part: String)
  /// A file among Tiny-ImageNet's images is none.
  case strayTinyFile(path: String, entry: String)
  /// A list of Tiny-ImageNet's contradicts its images.
  case annotations(path: String, line: Int?, reason: String)

  // MARK: Splits

  /// More samples are asked for than there are.
  case countTooLarge(what: String, asked: Int, available: Int)
  /// A number that says how many is neither a fraction nor a count.
  case badAmount(what: String, value: Double)
  /// Nothing would be forgotten.
  case emptyForgetSet
  /// Nothing would be retained.
  case forgetEverything(count: Int)
  /// All training samples are held out for validation.
  case nothingButValidation(count: Int)
  /// No such class.
  case unknownClass(name: String, known: [String])
  /// A word that several classes have.
  case ambiguousClass(name: String, classes: [String])
  /// A list of files cannot be understood.
  case fileList(path: String, line: Int?, reason: String)
  /// A list names a file that is no training image.
  case unknownFile(path: String, line: Int, name: String, nearest: String?, count: Int)
  /// A list of files for images that did not come from files.
  case filesWithoutNames(path: String)
  /// A sample is listed for validation and to be forgotten.
  case heldOutAndForgotten(path: String, index: Int)
  /// A sample is listed that an earlier request took.
  case forgottenBefore(index: Int)
  /// An index file cannot be understood.
  case indexFile(path: String, reason: String)
  /// An index is not a position in the training data.
  case indexRange(path: String, index: Int, count: Int)
  /// An index is there twice.
  case duplicateIndex(path: String, index: Int)
  /// A split that was written has a hash that is not its own.
  case splitHash(found: String, expected: String)

  // MARK: Metrics

  /// A metric needs samples of a set that has none.
  case emptySet(metric: String, set: String)
  /// A membership attack needs as many retain samples as test samples.
  case tooFewRetained(metric: String, retain: Int, test: Int)
  /// A metric says nothing about a model with so few classes.
  case tooFewClasses(metric: String, classes: Int)
  /// A value that a metric needs is not a number, or is infinite.
  case notFinite(metric: String, set: String, position: Int)
  /// libsvm refuses its input.
  case attackFailed(reason: String)
  /// A metric of generated images cannot be computed from what it was given.
  case generation(GenerationProblem)

  // MARK: Models

  /// Images are too small for the model's pooling.
  case imagesTooSmall(model: String, height: Int, width: Int, least: Int)
  /// A file of weights lacks some that the model has.
  case weightsMissing(path: String, names: [String])
  /// A file of weights has some that the model lacks.
  case weightsUnexpected(path: String, names: [String])
  /// A weight has another shape than the model's.
  case weightsShape(path: String, name: String, found: [Int], expected: [Int])
  /// A weight has a type that cannot become the model's.
  case weightsType(path: String, name: String, found: String, expected: String)
  /// A weight is infinite or not a number.
  case weightsNotFinite(path: String, name: String)
  /// A file of weights says that they were trained with another normalisation of the images.
  case weightsNormalisation(path: String, found: String, expected: String)
  /// A value in a model's config is one that it cannot have, or that does not fit the others.
  case modelConfig(path: String, key: String, value: String, expected: String)
  /// A setting of a sampler is outside its range.
  case sampler(setting: String, value: String, expected: String)
  /// A folder of diffusers is laid out otherwise than it should be; the reason goes on after the path.
  case diffusersFolder(path: String, reason: String)
  /// A file of weights and the config beside it are of different networks.
  case weightsDisagree(path: String, config: String, missing: [String], unexpected: [String], unlike: [String])
  /// A file that should hold a JSON object does not.
  case notJSON(path: String, reason: String)
  /// A saved state of the optimizer does not belong to this one.
  case optimizerState(name: String, reason: String)

  /// The command's exit status for this error.
  package var exitCode: Int32 {
    switch self {
    case .interrupted(let signal): 128 + signal
    case .missing: 66
    case .unwritable: 73
    case .unreadable: 74
    case .notFinite: 75
    default: 65
    }
  }
}

extension LearningError: CustomStringConvertible {
  /// What went wrong, where, and what would be right.
  package var description: String {
    switch self {
    case .interrupted(let signal): "interrupted by signal \(signal)"
    case .missing(let path, let expected): "'\(path)' does not exist; expected \(expected)"
    case .unreadable(let path, let reason): "cannot read '\(path)': \(reason)"
    case .unwritable(let path, let reason): "cannot write '\(path)': \(reason)"
    case .generation(let problem): "\(problem)"
    case .corruptArchive(let path, let entry, let reason):
      "\(Self.place(path, entry)) cannot be unpacked: \(reason); fetch it again or check its hash"
    case .idxMagic, .idxLength, .idxShape, .idxCount, .idxSize, .labelRange: idxDescription
    case .cifar, .arrays, .matlab, .missingTinyPart, .strayTinyFile, .annotations: sourceDescription
    case .ambiguousClass, .fileList, .unknownFile, .filesWithoutNames, .heldOutAndForgotten, .forgottenBefore:
      listDescription
    case .missingPart, .emptyClass, .unpairedClass, .strayFile, .badImage, .imageShape: imageDescription
    case .emptySet, .tooFewRetained, .tooFewClasses, .notFinite, .attackFailed: metricDescription
    case .imagesTooSmall, .weightsMissing, .weightsUnexpected, .weightsShape, .weightsType, .weightsNotFinite,
      .weightsNormalisation, .optimizerState:
      modelDescription
    case .modelConfig, .sampler, .notJSON, .diffusersFolder, .weightsDisagree: diffusionDescription
    default: splitDescription
    }
  }

  private var idxDescription: String {
    switch self {
    case .idxMagic(let path, let found, let expected):
      "'\(path)' starts with \(Self.hex(found)), not with \(Self.hex(expected)) as "
        + (expected == 0x803 ? "an IDX file of images does" : "an IDX file of labels does")
    case .idxLength(let path, let found, let expected):
      "'\(path)' holds \(found) bytes when unpacked, but its header announces \(expected)"
    case .idxShape(let path, let count, let height, let width):
      "the header of '\(path)' announces \(count) images of \(height)×\(width); "
        + "expected at least one image, of at most 1024×1024, and less than 2 GiB in all"
    case .idxCount(let images, let imageCount, let labels, let labelCount):
      "'\(images)' holds \(imageCount) images, but '\(labels)' holds \(labelCount) labels; expected one label an image"
    case .idxSize(let train, let trainSize, let test, let testSize):
      "images in '\(test)' are \(testSize), but those in '\(train)' are \(trainSize); expected one size"
    case .labelRange(let path, let position, let label, let classes):
      "label \(position) in '\(path)' is \(label); expected a class from 0 to \(max(0, classes - 1)), "
        + "as no training sample has label \(classes)"
    default: preconditionFailure("not an IDX error")
    }
  }

  private var imageDescription: String {
    switch self {
    case .missingPart(let path, let part):
      "'\(path)' has no images in '\(part)/<class>/'; expected train/<class>/*.jpg and test/<class>/*.jpg (or .png)"
    case .emptyClass(let path, let part, let name):
      "class '\(part)/\(name)' in '\(path)' is empty; expected at least one .jpg or .png image"
    case .unpairedClass(let path, let name, let present, let absent):
      "class '\(name)' in '\(path)' is in '\(present)' but not in '\(absent)'; expected the same classes in both"
    case .strayFile(let path, let entry):
      "\(Self.place(path, entry)) is no image of a class; expected train/<class>/<name> or test/<class>/<name> "
        + "ending in .jpg, .jpeg or .png"
    case .badImage(let path, let entry, let reason):
      "\(Self.place(path, entry)) cannot be decoded: \(reason); expected a grey or RGB image as JPEG or PNG"
    case .imageShape(let path, let entry, let found, let expected, let first):
      "\(Self.place(path, entry)) is \(found), but '\(first)' is \(expected); expected all images alike"
    default: preconditionFailure("not an image error")
    }
  }

  private var splitDescription: String {
    switch self {
    case .countTooLarge(let what, let asked, let available):
      "\(what) asks for \(asked) samples, but there are \(available)"
    case .badAmount(let what, let value):
      "\(what) is \(value); expected a fraction from 0 to below 1 or a whole count"
    case .emptyForgetSet: "the forget set is empty; expected at least one training sample to forget"
    case .forgetEverything(let count):
      "the forget set is the whole training data (\(count) samples); expected at least one sample to retain"
    case .nothingButValidation(let count):
      "data.validation holds out all \(count) training samples; expected some to forget and some to retain"
    case .unknownClass(let name, let known):
      "no class '\(name)' in this data; expected an index from 0 to \(known.count - 1) or one of "
        + Self.some(known, most: 20)
    case .indexFile(let path, let reason):
      "index file '\(path)' \(reason); expected one index a line, a .json array of whole numbers, or a .npy vector of integers"
    case .indexRange(let path, let index, let count):
      "index \(index) in '\(path)' is no training sample; expected 0 to \(count - 1)"
    case .duplicateIndex(let path, let index): "index \(index) is twice in '\(path)'; expected each sample once"
    case .splitHash(let found, let expected):
      "the split's hash is '\(found)', but its samples give '\(expected)'; the file was changed after it was written"
    default: preconditionFailure("not an error of a split")
    }
  }

  private var metricDescription: String {
    switch self {
    case .emptySet(let metric, let set): "\(metric) needs samples in the \(set) set, which is empty"
    case .tooFewRetained(let metric, let retain, let test):
      "\(metric) needs as many retain samples as test samples, but there are \(retain) and \(test); "
        + "forget fewer samples, load more training data, or limit data.test"
    case .tooFewClasses(let metric, let classes):
      "\(metric) needs a model of at least 2 classes, but this one has \(classes), whose probability is always 1; "
        + "use mia-svc or data with more classes"
    case .notFinite(let metric, let set, let position):
      "\(metric) met a value that is not finite at sample \(position) of the \(set) set; the model's outputs overflowed"
    case .attackFailed(let reason): "mia-svc failed: \(reason)"
    default: preconditionFailure("not an error of a metric")
    }
  }

  private var modelDescription: String {
    switch self {
    case .imagesTooSmall(let model, let height, let width, let least):
      "images of \(height)×\(width) are too small for '\(model)'; expected at least \(least)×\(least)"
    case .weightsMissing(let path, let names):
      "'\(path)' lacks \(Self.some(names)) of this model; expected weights of the same model and number of classes"
    case .weightsUnexpected(let path, let names):
      "'\(path)' has \(Self.some(names)), which this model has not; expected weights of the same model"
    case .weightsShape(let path, let name, let found, let expected):
      "'\(name)' in '\(path)' has shape \(found); expected \(expected)"
    case .weightsType(let path, let name, let found, let expected):
      "'\(name)' in '\(path)' is of type \(found); expected \(expected)"
    case .weightsNotFinite(let path, let name):
      "'\(name)' in '\(path)' holds values that are infinite or not numbers; expected the weights of a sound model"
    case .weightsNormalisation(let path, let found, let expected):
      "the weights in '\(path)' were trained with normalisation \(found), but the recipe says \(expected)"
    case .optimizerState(let name, let reason): "the saved optimizer state '\(name)' \(reason)"
    default: preconditionFailure("not an error of a model")
    }
  }

  static func some(_ names: [String], most: Int = 3) -> String {
    let shown = names.prefix(most).map { "'\($0)'" }.joined(separator: ", ")
    return names.count > most ? "\(shown) and \(names.count - most) more" : shown
  }

  static func place(_ path: String, _ entry: String?) -> String {
    entry.map { "'\($0)' in '\(path)'" } ?? "'\(path)'"
  }

  private static func hex(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }
}
