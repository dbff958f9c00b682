/// The keys of plain C functions.
extension RecipeSection {
  static let transform = RecipeSection(
    "pipeline.transform",
    [
      RecipeKey("library", "path", "–", "the shared library"),
      RecipeKey("symbol", "text", "–", "the function's name"),
      RecipeKey("derivative", "text", "–", "in the form for one sample: the function of the derivative"),
      RecipeKey("signature", "text", "–", "the C prototype of both without a name"),
      RecipeKey("args", "map", "none", "numbers for arguments that the host does not give"),
      RecipeKey("apply", "forget, retain, both", "both", "the sets whose losses it maps"),
      RecipeKey("test", "map", "–", "what it has to give for some losses; the derivative is checked there too"),
    ])

  static let functionTest = RecipeSection(
    "a test",
    [
      RecipeKey(
        "expect", "number, list of numbers", "–", "what the function has to give: one a sample, of a metric one"),
      RecipeKey(
        "tolerance", "number", "1.0e-5", "how far it may be off, relative to what is expected where that is above 1"),
    ])

  static let metricFunction = RecipeSection(
    "a function in evaluate.plugins",
    [
      RecipeKey("library", "path", "–", "the shared library"),
      RecipeKey("symbol", "text", "–", "the function's name"),
      RecipeKey("signature", "text", "–", "its C prototype without a name"),
      RecipeKey("args", "map", "none", "numbers for arguments that the host does not give"),
      RecipeKey("name", "text", "the symbol", "what reports call the number: `[a-z][a-z0-9_-]*`"),
      RecipeKey("unit", "text", "none", "its unit"),
      RecipeKey("direction", "higher, lower, retrained, neutral", "neutral", "which way is good"),
      RecipeKey("sets", "list", "those of evaluate", "the sets it is a number of, one each"),
      RecipeKey("test", "map", "none", "what it has to give for some input, run before anything is trained"),
    ])
}
