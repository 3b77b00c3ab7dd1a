// The page a study leaves: one HTML file that needs no network, no other file and no scripts, and
// reads well on a phone.
//
//   StudyPage page("PCA of faces", made_by("hadal pca faces/ --components 50"));
//   page.paragraph("…").figure(figures::scree(…), "Variance by component");
//   write_file_atomically(folder / "report.html", page.html());
//
// Texts may come from files that anybody wrote: they are escaped wherever they stand, and the
// page's Content-Security-Policy runs nothing and loads nothing but pictures it carries.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/image/image.h"
#include "experiments/figures/figure.h"
#include "launcher/sheet.h"

namespace hadal::launcher::report {

/// "made 2026-11-23T00:48:18Z by hadal 0.1.0 (commit …) with: COMMAND"
std::string made_by(const std::string& command);

/// A number that the reader must see first: {"variance kept", "84.3 %"}.
struct KeyFigure {
  std::string label, value;
};

class StudyPage {
 public:
  StudyPage(std::string title, std::string made);

  StudyPage& heading(const std::string& text);
  StudyPage& paragraph(const std::string& text);
  /// Small and grey.
  StudyPage& note(const std::string& text);
  StudyPage& key_figures(const std::vector<KeyFigure>& figures);
  /// With its heading and notes. `folded`: behind a line that opens it.
  StudyPage& table(const Sheet& sheet, bool folded = false);
  /// Lines of text as they are, behind a line that opens them.
  StudyPage& listing(const std::string& summary, const std::string& text);
  /// As SVG, or as pixels where that would be large.
  StudyPage& figure(const figures::Figure& figure, const std::string& caption);
  /// As pixels: figures made of pictures.
  StudyPage& picture(const figures::Figure& figure, const std::string& caption);
  /// A picture by itself, `zoom` units a pixel.
  StudyPage& picture(const image::Image& image, const std::string& caption, double zoom = 1);

  std::string html() const;

 private:
  StudyPage& embed(std::string_view type, std::string_view bytes, double width,
                   const std::string& caption, std::string_view classes = "");

  std::string title_, made_, body_;
};

}  // namespace hadal::launcher::report
