import Testing

@testable import Tensors

/// What is true of the whole process runs in a process of its own.
@Suite struct ProcessTests {
  @Test func `no handle stays when its tensors go, failures and lists included`() async {
    await #expect(processExitsWith: .success) {
      let add = try Operator.resolve("aten::add.Tensor")
      let before = Counters.now
      for _ in 0..<50 {
        let a = try Tensor.ones([3])
        try a.setRequiresGrad(true)
        let b = try (a + a).power(2)
        _ = try gradient(of: [b.sum()], withRespectTo: [a])
        _ = try b.split([1, 2])
        _ = try? add.tensor(.tensor(a), .tensor(try Tensor.ones([2])))
        _ = try? add.tensor(.tensor(a))
        _ = try Tensor.importing(dlpack: try b.detach().dlpack())
        _ = try Tensor.randomNormal([2], generator: Generator(seed: 1))
        try Foreach.multiply([b.detach()], by: 2)
      }
      let after = Counters.now
      precondition(after.liveTensors == before.liveTensors, "\(after.liveTensors - before.liveTensors) tensors stay")
      precondition(after.liveGenerators == before.liveGenerators, "generators stay")
      precondition(after.calls - before.calls > 400)
      precondition(after.gradients - before.gradients == 50)
    }
  }

  @Test func `memory shared by DLPack is one memory, and outlives the tensor that made it`() async {
    await #expect(processExitsWith: .success) {
      let imported: Tensor
      let address: UInt
      do {
        let source = try Tensor([1, 2, 3] as [Float], shape: [3])
        address = UInt(bitPattern: source.data)
        imported = try Tensor.importing(dlpack: try source.dlpack())
        try source.fill(7)
      }
      precondition(Counters.liveTensors == 1)
      precondition(UInt(bitPattern: imported.data) == address)
      let numbers = try imported.floats()
      precondition(numbers == [7, 7, 7])
    }
  }

  @Test func `seeding gives the default generator its numbers again, and threads are settable`() async {
    await #expect(processExitsWith: .success) {
      try seedAll(11)
      let first = try Tensor.randomNormal([4]).floats()
      try seedAll(11)
      let again = try Tensor.randomNormal([4]).floats()
      precondition(again == first)
      let runtime = try TorchRuntime.shared()
      try runtime.setThreads(1)
      precondition(runtime.threads == 1)
      precondition(runtime.version == TorchRuntime.wantedVersion)
      try runtime.setDeterministic(true)
    }
  }

  @Test func `a CUDA device that is not there is refused with a sentence`() async {
    await #expect(processExitsWith: .success) {
      do throws(TensorError) {
        try TorchRuntime.shared().open(.cuda(99))
        preconditionFailure("there are a hundred devices")
      } catch {
        precondition(error.exitCode == 66)
        precondition("\(error)".contains("'cuda:99'"))
      }
    }
  }

  @Test func `without LibTorch the error says where it was looked for and what installs it`() async {
    await #expect(processExitsWith: .success) {
      setEnvironment("LIBTORCH", "/nowhere/torch")
      // Nothing to change without LibTorch: the body runs.
      precondition(withoutGradients { 1 } == 1)
      precondition(Counters.now == Counters())
      do throws(TensorError) {
        _ = try Tensor.zeros([1])
        preconditionFailure("there is no LibTorch at /nowhere")
      } catch {
        precondition(error.exitCode == 66)
        precondition(
          "\(error)" == "LibTorch was not found; looked in '/nowhere/torch'; 'scripts/get-libtorch' installs it, "
            + "or set LIBTORCH to the folder that holds lib/libtorch_cpu.so")
      }
    }
  }
}
