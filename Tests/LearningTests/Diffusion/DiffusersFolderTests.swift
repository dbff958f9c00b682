import Foundation
import Tensors
import Testing

@testable import Learning

@Suite final class DiffusersFolderTests {
  private let scratch: ScratchFolder

  init() throws { scratch = try ScratchFolder() }

  deinit { scratch.remove() }

  private var path: String { scratch.url.appending(path: "net").path }

  static func config() throws -> UNetConfig {
    try UNetConfig(
      inChannels: 1, sampleSize: 8, widths: [4, 8], layers: 1, attention: [false, true], headDim: 4, groups: 2)
  }

  /// A folder that was written here.
  @discardableResult
  private func written() throws -> Denoiser {
    let folder = DiffusersFolder(config: try Self.config(), schedule: .ddpm)
    let model = try Denoiser.unet(folder.config, seed: 3)
    try folder.write(model, to: path)
    return model
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOf: URL(filePath: "\(path)/\(name)"), encoding: .utf8)
  }

  private func replace(_ old: String, by new: String, in name: String) throws {
    let before = try text(name)
    try #require(before.contains(old))
    try Data(before.replacingOccurrences(of: old, with: new).utf8).write(to: URL(filePath: "\(path)/\(name)"))
  }

  private func bytes(_ model: Denoiser) throws -> [[UInt8]] { try model.state.map { try $0.tensor.bytes() } }

  @Test func `what was written is read again, weights and schedule`() throws {
    let model = try written()
    let folder = try DiffusersFolder.read(path)
    #expect(folder.config == (try Self.config()) && folder.schedule == .ddpm)
    #expect(try bytes(folder.load()) == bytes(model))
  }

  @Test func `unknown keys, their order and the look of numbers survive`() throws {
    try written()
    try replace(
      "{\n  \"_class_name\"", by: "{\"zeta\": [1e-07, null, {\"ü\": true}],\n  \"_class_name\"", in: "unet/config.json")
    try replace("{\n", by: "{  \"note\": 0.10,\n", in: "scheduler/scheduler_config.json")
    try replace("{\n", by: "{ \"_note\": false,\n", in: "model_index.json")
    let names = ["unet/config.json", "scheduler/scheduler_config.json", "model_index.json"]
    let before = try names.map(text)
    let folder = try DiffusersFolder.read(path)
    let model = try folder.load()
    try FileManager.default.removeItem(atPath: path)
    try folder.write(model, to: path)
    #expect(try names.map(text) == before)
  }

  @Test func `files that lie side by side are found, and a network alone has no schedule`() throws {
    let model = try written()
    let files = FileManager.default
    for name in ["unet/config.json", "unet/diffusion_pytorch_model.safetensors", "scheduler/scheduler_config.json"] {
      try files.moveItem(atPath: "\(path)/\(name)", toPath: "\(path)/\(name.split(separator: "/")[1])")
    }
    try files.removeItem(atPath: "\(path)/unet")
    try files.removeItem(atPath: "\(path)/scheduler")
    #expect(try DiffusersFolder.read(path).schedule == .ddpm)
    try files.removeItem(atPath: "\(path)/model_index.json")
    #expect(try DiffusersFolder.read(path).schedule == .ddpm)
    try files.removeItem(atPath: "\(path)/scheduler_config.json")
    let bare = try DiffusersFolder.read(path)
    #expect(try bare.schedule == nil && bytes(bare.load()) == bytes(model))
  }

  @Test func `older names of attention are understood`() throws {
    let model = try written()
    let old = model.state.map { name, tensor in
      let renamed = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")].reduce(name) {
        $0.replacingOccurrences(of: ".\($1.0).", with: ".\($1.1).")
      }
      return (name: renamed, tensor: tensor)
    }
    #expect(old.contains { $0.name == "mid_block.attentions.0.proj_attn.bias" })
    try SafeTensors.write(old, to: "\(path)/unet/diffusion_pytorch_model.safetensors")
    #expect(try bytes(DiffusersFolder.read(path).load()) == bytes(model))
  }

  @Test func `keys that are left out have diffusers' defaults`() throws {
    let config = try UNetConfig(json: "{\"sample_size\": 32}")
    #expect(config.widths == [224, 448, 672, 896] && config.layers == 2 && config.headDim == 8)
    #expect(config.downAttention == [false, true, true, true] && config.upAttention == [true, true, true, false])
    #expect(config.isCosineFirst && config.frequencyShift == 0 && config.epsilon == 1e-5 && config.midAttention)
    let null = try UNetConfig(json: "{\"sample_size\": [32, 16], \"attention_head_dim\": null}")
    #expect(null.headDim == nil && null.sampleSize == [32, 16])
  }

  /// What is wrong with a folder, and how it is said.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let file: String
    let old: String
    let new: String
    let said: String

    var testDescription: String { new }

    init(_ file: String, _ old: String, _ new: String, _ said: String) {
      (self.file, self.old, self.new, self.said) = (file, old, new, said)
    }

    static let unet = "unet/config.json"
    static let scheduler = "scheduler/scheduler_config.json"
    static let all = [
      Mistake(
        unet, "\"UNet2DModel\"", "\"UNet2DConditionModel\"",
        "'_class_name' in '@' is \"UNet2DConditionModel\"; expected \"UNet2DModel\""),
      Mistake(unet, "\"silu\"", "\"gelu\"", "'act_fn' in '@' is \"gelu\"; expected \"silu\" or \"swish\""),
      Mistake(
        unet, "\"AttnDownBlock2D\"", "\"SkipDownBlock2D\"",
        "'down_block_types' in '@' is [\"DownBlock2D\", \"SkipDownBlock2D\"]; expected \"DownBlock2D\" or \"AttnDownBlock2D\" for each width"
      ),
      Mistake(
        unet, "\"positional\"", "\"fourier\"", "'time_embedding_type' in '@' is \"fourier\"; expected \"positional\""),
      Mistake(
        unet, "\"norm_num_groups\": 2", "\"norm_num_groups\": 32",
        "'block_out_channels' in '@' is [4, 8]; expected multiples of the 32 groups of norm_num_groups, or fewer groups"
      ),
      Mistake(
        unet, "\"norm_num_groups\": 2", "\"norm_num_groups\": null",
        "'norm_num_groups' in '@' is null; expected a whole number from 1"),
      Mistake(
        unet, "\"resnet_time_scale_shift\": \"default\"", "\"resnet_time_scale_shift\": \"scale_shift\"",
        "'resnet_time_scale_shift' in '@' is \"scale_shift\"; expected \"default\""),
      Mistake(
        unet, "\"class_embed_type\": null", "\"class_embed_type\": \"timestep\"",
        "'class_embed_type' in '@' is \"timestep\"; expected null, with num_class_embeds for conditions"),
      Mistake(
        unet, "\"sample_size\": 8", "\"sample_size\": 7",
        "'sample_size' in '@' is 7; expected multiples of 2, as 1 halvings of the image need"),
      Mistake(
        unet, "\"sample_size\": 8", "\"sample_size\": null",
        "'sample_size' in '@' is null; expected the height and width of the images"),
      Mistake(
        unet, "\"attention_head_dim\": 4", "\"attention_head_dim\": 3",
        "'attention_head_dim' in '@' is 3; expected a divisor of the 8 channels that attend"),
      Mistake(
        unet, "\"dropout\": 0.0", "\"dropout\": 1.5", "'dropout' in '@' is 1.5; expected a number from 0 and below 1"),
      Mistake(
        unet, "\"layers_per_block\": 1", "\"layers_per_block\": [1, 2]",
        "'layers_per_block' in '@' is [1, 2]; expected a whole number from 1"),
      Mistake(
        unet, "\"downsample_padding\": 1", "\"downsample_padding\": 2",
        "'downsample_padding' in '@' is 2; expected 0 to 1"),
      Mistake(
        unet, "\"time_embedding_dim\": null", "\"time_embedding_dim\": 17",
        "'time_embedding_dim' in '@' is 17; expected null or 16, four times the first width"),
      Mistake(
        unet, "\"add_attention\": true,", "\"add_attention\": true",
        "'@' holds no JSON object: a ',' or '}' is expected at byte 114"),
      Mistake(
        scheduler, "\"epsilon\"", "\"v_prediction\"",
        "'prediction_type' in '@' is \"v_prediction\"; expected \"epsilon\""),
      Mistake(
        scheduler, "\"linear\"", "\"squaredcos_cap_v2\"",
        "'beta_schedule' in '@' is \"squaredcos_cap_v2\"; expected \"linear\" or \"scaled_linear\""),
      Mistake(
        scheduler, "\"trained_betas\": null", "\"trained_betas\": [0.1]",
        "'trained_betas' in '@' is [0.1]; expected null, with beta_schedule, beta_start and beta_end"),
      Mistake(
        scheduler, "\"DDPMScheduler\"", "\"ScoreSdeVeScheduler\"",
        "'_class_name' in '@' is \"ScoreSdeVeScheduler\"; expected \"DDPMScheduler\" or \"DDIMScheduler\" or \"PNDMScheduler\""
      ),
      Mistake(
        scheduler, "\"beta_end\": 0.02", "\"beta_end\": 0.00001",
        "'beta_end' in '@' is 0.00001; expected at least beta_start, which is 0.0001"),
      Mistake(
        "model_index.json", "\"scheduler\": [", "\"vae\": [\"diffusers\", \"AutoencoderKL\"],\n  \"scheduler\": [",
        "'@' names a part 'vae'; expected a pipeline of 'unet' and 'scheduler' alone"),
      Mistake(
        "model_index.json", "\"UNet2DModel\"", "\"UNet1DModel\"",
        "'unet' in '@' is [\"diffusers\", \"UNet1DModel\"]; expected [\"diffusers\", \"UNet2DModel\"]"),
    ]
  }

  @Test(arguments: Mistake.all)
  func `a value that does not fit is named, with what would be right`(_ mistake: Mistake) throws {
    try written()
    try replace(mistake.old, by: mistake.new, in: mistake.file)
    let error = #expect(throws: LearningError.self) { try DiffusersFolder.read(path) }
    #expect(error?.description == mistake.said.replacingOccurrences(of: "@", with: "\(path)/\(mistake.file)"))
    #expect(error?.exitCode == 65)
  }

  @Test func `what is not there is named`() throws {
    func refusal() -> String {
      #expect(throws: LearningError.self) { try DiffusersFolder.read(path) }?.description ?? ""
    }
    let files = FileManager.default
    #expect(
      refusal()
        == "'\(path)' does not exist; expected a folder as diffusers saves it: model_index.json, unet/ and scheduler/")
    try Data().write(to: URL(filePath: path))
    #expect(refusal().hasPrefix("'\(path)' is a file; expected a folder as diffusers saves it"))
    try files.removeItem(atPath: path)
    try written()
    try files.removeItem(atPath: "\(path)/scheduler/scheduler_config.json")
    #expect(
      refusal()
        == "'\(path)/scheduler/scheduler_config.json' does not exist; expected the scheduler that 'model_index.json' names"
    )
    try files.removeItem(atPath: "\(path)/unet/config.json")
    #expect(refusal() == "'\(path)/unet/config.json' does not exist; expected the config of a UNet2DModel")
  }

  @Test func `weights in another form are named, with what to do`() throws {
    try written()
    let unet = "\(path)/unet"
    let files = FileManager.default
    func refusal() -> String {
      #expect(throws: LearningError.self) { try DiffusersFolder.read(path) }?.description ?? ""
    }
    let weights = "\(unet)/diffusion_pytorch_model.safetensors"
    try files.moveItem(atPath: weights, toPath: "\(unet)/diffusion_pytorch_model.fp16.safetensors")
    #expect(refusal().contains("has 'diffusion_pytorch_model.fp16.safetensors' only; rename it"))
    try Data().write(to: URL(filePath: "\(unet)/diffusion_pytorch_model.bin"))
    #expect(
      refusal().hasSuffix(
        "'scripts/convert-checkpoint \(unet)/diffusion_pytorch_model.bin \(weights)' makes a safetensors file of it"))
    try Data().write(to: URL(filePath: "\(weights).index.json"))
    #expect(refusal().contains("has weights in several files; expected one"))
    try files.removeItem(atPath: unet)
    try files.createDirectory(atPath: unet, withIntermediateDirectories: true)
    #expect(refusal().hasSuffix("expected the config of a UNet2DModel"))
  }

  @Test func `every name and shape that config and weights do not share is listed`() throws {
    let model = try written()
    var state = model.state.filter { !$0.name.hasPrefix("mid_block.resnets.1.") }
    state.append(("extra.a", try Tensor.zeros([1])))
    state.append(("extra.b", try Tensor.zeros([2])))
    state[0].tensor = try Tensor.zeros([4, 3, 3, 3])
    let weights = "\(path)/unet/diffusion_pytorch_model.safetensors"
    try SafeTensors.write(state, to: weights)
    let folder = try DiffusersFolder.read(path)
    let error = #expect(throws: LearningError.self) { try folder.load() }
    let lacking = model.state.map(\.name).filter { $0.hasPrefix("mid_block.resnets.1.") }
    #expect(lacking.count == 10)
    #expect(
      error?.description
        == "'\(weights)' does not fit '\(path)/unet/config.json': it lacks "
        + lacking.map { "'\($0)'" }.joined(separator: ", ") + "; it has 'extra.a', 'extra.b' too many; "
        + "it has the shapes 'conv_in.weight' [4, 3, 3, 3] for [4, 1, 3, 3]; expected the weights and the config of one network"
    )
  }

  @Test func `a place that cannot be written is named`() throws {
    try Data().write(to: scratch.url.appending(path: "file"))
    let folder = DiffusersFolder(config: try Self.config(), schedule: .ddpm)
    let model = try Denoiser.unet(folder.config, seed: 3)
    let place = scratch.url.appending(path: "file").path
    let error = #expect(throws: LearningError.self) { try folder.write(model, to: place) }
    #expect(error?.description.hasPrefix("cannot write '\(place)/unet': ") == true && error?.exitCode == 73)
  }
}
