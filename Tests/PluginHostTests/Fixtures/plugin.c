/* A plugin with a strategy of every role. A parameter "mode" says how each of them misbehaves at run time; a macro says
 * what is wrong with the table, for what can only be wrong when it is compiled. */
#include "other-roles.h"

LETHE_MANIFEST_FILE("manifest.json");

#ifdef BUILD
__attribute__((used)) static const char build[] = BUILD;
#endif
#ifndef PLUGIN_ID
#define PLUGIN_ID "test.plugin"
#endif
#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION "1.2.0"
#endif
#ifndef UPDATER_ID
#define UPDATER_ID "test.updater"
#endif
#ifndef MASK_ID
#define MASK_ID "test.mask"
#endif
#ifndef MASK_ROLE
#define MASK_ROLE LETHE_ROLE_MASK
#endif
#ifdef EXTERN_TABLE
extern const lethe_mask nobody_has_this;
#define MASK_TABLE (&nobody_has_this)
#endif
#ifndef MASK_TABLE
#define MASK_TABLE (&test_mask)
#endif
#ifndef REWEIGHTER_SIZE
#define REWEIGHTER_SIZE sizeof(lethe_strategy)
#endif
#ifndef COUNT
#define COUNT 4
#endif
#ifndef STRIDE
#define STRIDE sizeof(lethe_strategy)
#endif
#ifndef CREATE
#define CREATE test_create
#endif
#ifndef LOAD_STATE
#define LOAD_STATE test_load
#endif

#define STRATEGY(id, role, table, size) \
  { (uint32_t)(size), 3, id, role, table, CREATE, test_destroy, test_prepare, test_finish, test_save, LOAD_STATE, test_retune }

static const lethe_strategy strategies[] = {
    STRATEGY("test.objective", LETHE_ROLE_OBJECTIVE, &test_objective, sizeof(lethe_strategy)),
    STRATEGY("test.reweighter", LETHE_ROLE_REWEIGHTER, &test_reweighter, REWEIGHTER_SIZE),
    STRATEGY(MASK_ID, MASK_ROLE, MASK_TABLE, sizeof(lethe_strategy)),
    STRATEGY(UPDATER_ID, LETHE_ROLE_UPDATER, &test_updater, sizeof(lethe_strategy)),
};

static const lethe_plugin plugin = {
    sizeof(lethe_plugin), COUNT, PLUGIN_ID, PLUGIN_VERSION,
#ifdef NO_STRATEGIES
    NULL,
#else
    strategies,
#endif
    (uint32_t)STRIDE, 0};

#ifdef OTHER_GENERATION
LETHE_EXPORT int lethe_plugin_abi7(void);
int lethe_plugin_abi7(void) { return plugin.size != 0; }
#elif defined(NO_ENTRY)
LETHE_EXPORT int something_else(void);
int something_else(void) { return plugin.size != 0; }
#else
LETHE_EXPORT lethe_status lethe_plugin_abi1(const lethe_host *host, const lethe_plugin **out, lethe_error *err) {
#ifdef ENTRY_STATUS
  (void)plugin, (void)host, (void)out, (void)err;
  return ENTRY_STATUS;
#elif defined(NULL_TABLE)
  (void)plugin, (void)host, (void)out, (void)err;
  return LETHE_OK;
#else
  if (!LETHE_HAS(host, service) || host->service(host, "lethe.nothing/1") != NULL)
    return lethe_fail(err, LETHE_E_PRECONDITION, "the host offers what is not there");
  test_host = host;
  *out = &plugin;
  return LETHE_OK;
#endif
}
#endif
