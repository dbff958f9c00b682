// The other shim's guard, compiled into this library too: nothing links the two.
#include "../CTorch/guard.cpp"
