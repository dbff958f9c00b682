/// Images that a model drew, as a page shows them.
package struct Picture: Sendable {
  /// Which model.
  package var title: String
  /// A PNG file in base64.
  package var base64: String

  /// Makes a picture of its two halves.
  package init(title: String, base64: String) {
    self.title = title
    self.base64 = base64
  }

  /// The picture with its caption.
  var figure: Markup {
    Markup(
      "figure", ["data-picture": title],
      [
        Markup(
          "img",
          [
            "src": "data:image/png;base64,\(base64)", "alt": "Images drawn by the \(title) model",
            "style": "width:100%;image-rendering:pixelated",
          ]), Markup("figcaption", text: title),
      ])
  }

  /// What is to be known of pictures.
  static var legend: Markup {
    Markup(
      "p", ["class": "soft"],
      text:
        "Every model began with the same noise: images in the same place can be compared. None was stretched to fill the "
        + "range from black to white.")
  }
}
