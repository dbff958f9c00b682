import Glibc

/// Sets a variable of this process; for processes of their own only.
func setEnvironment(_ name: String, _ value: String) { setenv(name, value, 1) }
