// SPDX-License-Identifier: Apache-2.0
import CLethe

/// The values of the manifest's parameters, in its order: parsed, defaulted and checked for range by the host.
public struct Parameters {
  private let values: [lethe_value]

  init(_ info: lethe_create_info) {
    values = Array(UnsafeBufferPointer(start: info.params, count: info.params == nil ? 0 : Int(info.param_count)))
  }

  /// Whether there is a value: false for a parameter without default that was not given.
  public func isGiven(_ index: Int) -> Bool { values.indices.contains(index) && values[index].tag != LETHE_T_NONE }

  /// A parameter of type "float".
  public func float(_ index: Int) throws -> Double { try value(index, LETHE_T_FLOAT, "float").as.f }

  /// A parameter of type "int".
  public func int(_ index: Int) throws -> Int { Int(try value(index, LETHE_T_INT, "int").as.i) }

  /// A parameter of type "bool".
  public func bool(_ index: Int) throws -> Bool { try value(index, LETHE_T_BOOL, "bool").as.i != 0 }

  /// A parameter of type "string".
  public func string(_ index: Int) throws -> String {
    String(cString: try offered(try value(index, LETHE_T_STR, "string").as.s, "a string"))
  }

  private func value(_ index: Int, _ tag: UInt32, _ type: String) throws -> lethe_value {
    guard values.indices.contains(index), values[index].tag == tag else {
      throw Failure.parameter(index, "parameter \(index) is not a \(type): the manifest and the code disagree")
    }
    return values[index]
  }
}
