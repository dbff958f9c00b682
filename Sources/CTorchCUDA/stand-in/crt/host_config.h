// NVIDIA's file of this name refuses compilers that its own does not know; nothing here is compiled by that.
#pragma once
