/// The version of this host; `docs/CHANGELOG.md` says what changed.
package let letheVersion = "0.1.0"

/// The Swift that this host was built with.
package let swiftVersion: String = {
  #if compiler(>=6.4)
    "6.4 or newer"
  #elseif compiler(>=6.3)
    "6.3"
  #else
    "6.2"
  #endif
}()
