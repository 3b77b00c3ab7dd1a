#include "launcher/report/study_page.h"

#include <gmock/gmock.h>

#include "experiments/figures/pen.h"
#include "experiments/figures/scree.h"

namespace hadal::launcher::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kAttack = "</pre>\"'><img src=x onerror=alert(1)><script>alert(2)</script>&";

Sheet sheet_with(const std::string& text) {
  return {Sheet::Kind::kResults, text, {{text}}, {{{.text = text}}}, {text}};
}

TEST(StudyPage, ShowsEverythingInTheOrderItWasGiven) {
  StudyPage page("PCA", "made by hand");
  page.key_figures({{"variance kept", "84 %"}})
      .heading("First")
      .paragraph("text")
      .table(sheet_with("cell"))
      .listing("summary", "line 1\nline 2");
  const std::string html = page.html();
  std::size_t at = 0;
  for (const char* part : {"<h1>PCA</h1>", "84 %", "<h2>First</h2>", "<p>text</p>", "cell",
                           "line 1\nline 2", "made by hand"}) {
    at = html.find(part, at);
    ASSERT_NE(at, std::string::npos) << part;
  }
}

TEST(StudyPage, NothingInTextsBecomesMarkup) {
  StudyPage page(kAttack, kAttack);
  page.heading(kAttack)
      .paragraph(kAttack)
      .note(kAttack)
      .key_figures({{kAttack, kAttack}})
      .table(sheet_with(kAttack))
      .table(sheet_with(kAttack), true)
      .listing(kAttack, kAttack)
      .figure(figures::scree({.title = kAttack, .shares = {1}}), kAttack);
  EXPECT_THAT(page.html(), AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<img src=x"))));
}

TEST(StudyPage, CarriesItsPicturesAndLoadsNothing) {
  StudyPage page("t", "m");
  page.figure(figures::scree({.shares = {0.5, 0.5}}), "the scree plot")
      .picture(image::Image{.height = 1, .width = 1, .channels = 1, .pixels = {7}}, "a pixel", 8);
  const std::string html = page.html();
  EXPECT_THAT(html, AllOf(HasSubstr("src=\"data:image/svg+xml;base64,PD94bWwg"),
                          HasSubstr("src=\"data:image/png;base64,iVBORw0KGgo"),
                          HasSubstr("alt=\"the scree plot\""), HasSubstr("default-src 'none'"),
                          Not(HasSubstr("http://")), Not(HasSubstr("https://"))));
}

TEST(StudyPage, ALargeDrawingIsCarriedAsPixels) {
  StudyPage page("t", "m");
  page.figure({100, 100,
               [](figures::Pen& pen) {
                 for (int i = 0; i < 20'000; ++i) pen.rectangle(i % 100, i / 200, 1, 1, {});
               }},
              "many rectangles");
  EXPECT_THAT(page.html(), AllOf(HasSubstr("image/png"), Not(HasSubstr("svg+xml"))));
}

}  // namespace
}  // namespace hadal::launcher::report
