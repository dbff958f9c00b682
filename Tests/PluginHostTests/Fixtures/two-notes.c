/* Two manifests in one library. */
#include <lethe/manifest.h>

LETHE_MANIFEST_FILE("manifest.json");
LETHE_MANIFEST("{}");
