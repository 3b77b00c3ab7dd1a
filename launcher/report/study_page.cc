#include "launcher/report/study_page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "core/base/strings.h"
#include "core/image/png.h"
#include "launcher/environment.h"
#include "launcher/report/assets.h"
#include "launcher/report/html.h"
#include "launcher/version.h"

namespace hadal::launcher::report {
namespace {

constexpr std::size_t kLargeSvg = 300'000;  // bytes; pixels are smaller and draw faster

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // one for EVP's closing zero
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string tagged(std::string_view tag, const std::string& text) {
  return fmt::format("<{}>{}</{}>\n", tag, escaped(one_line(text)), tag);
}

}  // namespace

std::string made_by(const std::string& command) {
  return fmt::format("made {} by {} with: {}", utc_now(), version_line(), command);
}

StudyPage::StudyPage(std::string title, std::string made)
    : title_(std::move(title)), made_(std::move(made)) {}

StudyPage& StudyPage::heading(const std::string& text) {
  body_ += tagged("h2", text);
  return *this;
}

StudyPage& StudyPage::paragraph(const std::string& text) {
  body_ += tagged("p", text);
  return *this;
}

StudyPage& StudyPage::note(const std::string& text) {
  body_ += fmt::format("<p class=\"note\">{}</p>\n", escaped(one_line(text)));
  return *this;
}

StudyPage& StudyPage::key_figures(const std::vector<KeyFigure>& figures) {
  body_ += "<dl class=\"key\">\n";
  for (const KeyFigure& f : figures)
    body_ += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(one_line(f.label)),
                         escaped(one_line(f.value)));
  body_ += "</dl>\n";
  return *this;
}

StudyPage& StudyPage::table(const Sheet& sheet, bool folded) {
  if (folded)
    body_ += fmt::format("<details><summary>{}</summary>\n{}</details>\n",
                         escaped(one_line(sheet.heading)), table_of(sheet));
  else
    body_ += (sheet.heading.empty() ? "" : tagged("h3", sheet.heading)) + table_of(sheet);
  return *this;
}

StudyPage& StudyPage::listing(const std::string& summary, const std::string& text) {
  body_ += fmt::format("<details><summary>{}</summary>\n<pre>{}</pre></details>\n",
                       escaped(one_line(summary)), escaped_lines(text));
  return *this;
}

// As an <img>, not as markup: its ids cannot meet those of another picture.
StudyPage& StudyPage::embed(std::string_view type, std::string_view bytes, double width,
                            const std::string& caption, std::string_view classes) {
  const std::string text = escaped(one_line(caption));
  body_ += fmt::format(
      "<figure><img{} alt=\"{}\" width=\"{:.0f}\" src=\"data:image/{};base64,{}\">"
      "<figcaption>{}</figcaption></figure>\n",
      classes, text, width, type, base64(bytes), text);
  return *this;
}

StudyPage& StudyPage::figure(const figures::Figure& figure, const std::string& caption) {
  const std::string svg = figures::to_svg(figure);
  return svg.size() <= kLargeSvg ? embed("svg+xml", svg, figure.width, caption)
                                 : picture(figure, caption);
}

StudyPage& StudyPage::picture(const figures::Figure& figure, const std::string& caption) {
  return embed("png", image::encode_png(figures::to_image(figure)), figure.width, caption);
}

StudyPage& StudyPage::picture(const image::Image& image, const std::string& caption, double zoom) {
  return embed("png", image::encode_png(image), zoom * image.width, caption,
               zoom > 1 ? " class=\"pixels\"" : "");
}

std::string StudyPage::html() const {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>{0}</title>\n<style>\n{1}</style>\n</head>\n<body>\n<main class=\"study\">\n"
      "<h1>{0}</h1>\n{2}</main>\n<footer>\n<p>{3}</p>\n</footer>\n</body>\n</html>\n",
      escaped(one_line(title_)), page_css(), body_, escaped(one_line(made_)));
}

}  // namespace hadal::launcher::report
