// The table is declared in the header and filled by CTorch; this file gives the module something to compile.
#include "CTorchTable.h"

_Static_assert(sizeof(ct_value) == 16, "ct_value has the layout of the plugin protocol's value");
