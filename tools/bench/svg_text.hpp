// SPDX-License-Identifier: MIT
// The few shapes of SVG that the chart is made of.
#pragma once

#include <string>
#include <string_view>

namespace memoria::bench {

/// Text as it may stand in XML, in an element or an attribute.
std::string xml_escaped(std::string_view text);

/// Collects shapes from top to bottom; units are pixels. Styles are classes of the style sheet or
/// a colour.
class Svg {
 public:
  enum class Anchor { kStart, kMiddle, kEnd };

  void rectangle(double x, double y, double width, double height, std::string_view fill);
  void line(double x1, double y1, double x2, double y2, std::string_view style);
  void text(double x, double y, std::string_view words, std::string_view style,
            Anchor anchor = Anchor::kStart);

  /// The whole document with this size, style sheet and title.
  std::string document(double width, double height, std::string_view style_sheet,
                       std::string_view title) const;

 private:
  std::string body_;
};

}  // namespace memoria::bench
