#include "aws/xml.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

/// All events as text, fed in pieces: "<a" begins, "a>" ends, with its text in [].
std::string scan_in(std::string_view xml, size_t piece, uint64_t bytes_max = 1 << 20) {
  XmlScanner scanner(bytes_max);
  std::string said;
  Error error;
  size_t at = 0;
  while (true) {
    const std::string part(xml.substr(at, piece));
    at += part.size();
    std::string_view input = part;
    while (true) {
      const XmlEvent event = scanner.next(input, at == xml.size(), error);
      if (event == XmlEvent::kNeedInput) {
        EXPECT_TRUE(input.empty());
        break;
      }
      switch (event) {
        case XmlEvent::kBegin:
          said += "<" + std::string(scanner.name()) + " ";
          EXPECT_EQ(scanner.name_at(scanner.depth()), scanner.name());
          break;
        case XmlEvent::kEnd:
          said += std::string(scanner.name()) + (scanner.leaf() ? "[" + std::string(scanner.text()) + "]" : "") +
                  (scanner.text_cut() ? "cut" : "") + "> ";
          break;
        case XmlEvent::kFinished:
          return said + "finished";
        default:
          EXPECT_EQ(error.code, Code::kBadReply);
          EXPECT_EQ(scanner.next(input, true, error), XmlEvent::kFailed);
          return said + "failed";
      }
    }
    if (at == xml.size()) return said + "more";
  }
}

std::string scan(std::string_view xml) {
  const std::string whole = scan_in(xml, SIZE_MAX);
  for (const size_t piece : {1, 2, 3, 7}) EXPECT_EQ(scan_in(xml, piece), whole) << xml;
  return whole;
}

std::string reason(std::string_view xml, uint64_t bytes_max = 1 << 20) {
  XmlScanner scanner(bytes_max);
  Error error;
  while (true) {
    const XmlEvent event = scanner.next(xml, true, error);
    if (event == XmlEvent::kFinished) return "finished";
    if (event == XmlEvent::kFailed) return std::string(error.detail.view());
  }
}

TEST(XmlScanner, gives_elements_and_the_text_of_leaves) {
  EXPECT_EQ(scan("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\n <Message>The "
                 "&lt;key&gt;</Message><A/></Error>\n"),
            "<Error <Code Code[NoSuchKey]> <Message Message[The <key>]> <A A[]> Error> finished");
  EXPECT_EQ(scan("<a>x<b>y</b>z</a>"), "<a <b b[y]> a> finished");
  EXPECT_EQ(scan("<a></a>"), "<a a[]> finished");
  EXPECT_EQ(scan("<a/>"), "<a a[]> finished");
  EXPECT_EQ(scan("<a ><b /><c\n></c\t></a >"), "<a <b b[]> <c c[]> a> finished");
}

TEST(XmlScanner, skips_what_stands_around) {
  EXPECT_EQ(scan("\xEF\xBB\xBF<?xml?>  \r\n\r\n <a/> <!-- b -- ><x> -->"), "<a a[]> failed");
  EXPECT_EQ(scan("\xEF\xBB\xBF<?xml ? ?\?>  \r\n\r\n <!--<x>- --><a/> <!-- b - ><x> --><?p i?>\n"), "<a a[]> finished");
  EXPECT_EQ(
      scan(
          "<r xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\" x='>\"/' y = \"'>\"><ns:a xsi:type=\"b\">c</ns:a></r>"),
      "<r <a a[c]> r> finished");
  EXPECT_EQ(scan("<a>1<!-- 2 -->3<?4?>5</a>"), "<a a[135]> finished");
}

TEST(XmlScanner, knows_five_entities_and_numbers) {
  EXPECT_EQ(scan("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#xe4;&#x20AC;&#128512;&#x0A;&#1;</a>"),
            "<a a[<>&\"'AB\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n\x01]> finished");
  for (const char* bad : {"&nbsp;", "&;", "&#;", "&#x;", "&#0;", "&#xD800;", "&#x110000;", "&#99999999999;", "&#12a;",
                          "&#xg;", "&lt ;", "& ", "&a&lt;", "&LT;", "&#X41;", "&#-1;"}) {
    EXPECT_EQ(reason("<a>" + std::string(bad) + "</a>"), "a bad entity in the XML") << bad;
  }
  EXPECT_EQ(reason("<a>&lt"), "the XML ends early");
}

TEST(XmlScanner, has_no_doctype_and_nothing_that_expands) {
  EXPECT_EQ(reason("<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><a>&lol2;</a>"),
            "a DOCTYPE or CDATA in the XML");
  EXPECT_EQ(reason("<a><![CDATA[x]]></a>"), "a DOCTYPE or CDATA in the XML");
}

TEST(XmlScanner, refuses_what_is_not_well_formed) {
  EXPECT_EQ(reason(""), "XML without an element");
  EXPECT_EQ(reason("  \n"), "XML without an element");
  EXPECT_EQ(reason("<!-- x -->"), "XML without an element");
  EXPECT_EQ(reason("{\"a\":1}"), "text outside of the XML's root");
  EXPECT_EQ(reason("<a/>x"), "text outside of the XML's root");
  EXPECT_EQ(reason("<a/>&lt;"), "text outside of the XML's root");
  EXPECT_EQ(reason(" \xEF\xBB\xBF<a/>"), "text outside of the XML's root");
  EXPECT_EQ(reason("<a/><b/>"), "two roots in the XML");
  EXPECT_EQ(reason("<a></b>"), "tags of the XML don't match");
  EXPECT_EQ(reason("<a></A>"), "tags of the XML don't match");
  EXPECT_EQ(reason("</a>"), "tags of the XML don't match");
  for (const char* bad :
       {"< a/>", "<a:/>", "<:/>", "<a:></a:>", "<1/>", "<-a/>", "<a", "<a/ >", "<a/b>", "<a <b>", "<a x=\"<\"/>",
        "<a></ a>", "<a></a b>", "<a><!- x --></a>", "<a>&lt;</a", "<a ,/>", "<>", "<a></>"}) {
    EXPECT_NE(reason(bad), "finished") << bad;
  }
  EXPECT_EQ(reason(std::string("<a>\0</a>", 8)), "a NUL in the XML");
  const std::string text = "<?xml?><a b=\"c\"><d>&lt;</d><!-- x --><e/></a>";
  for (size_t size = 0; size < text.size(); ++size) EXPECT_NE(reason(text.substr(0, size)), "finished") << size;
  EXPECT_EQ(reason(text), "finished");
}

TEST(XmlScanner, holds_its_bounds) {
  std::string begin;
  std::string end;
  for (size_t i = 0; i < XmlScanner::kDepthMax; ++i) begin += "<a>", end += "</a>";
  EXPECT_EQ(reason(begin + end), "finished");
  EXPECT_EQ(reason(begin + "<a/>" + end), "the XML is too deep");
  const std::string name(XmlScanner::kNameBytesMax, 'n');
  EXPECT_EQ(reason("<" + name + "/>"), "finished");
  EXPECT_EQ(reason("<" + name + "n/>"), "a name in the XML is too long");
  EXPECT_EQ(reason("<a></a" + name + ">"), "a name in the XML is too long");
  const std::string text(XmlScanner::kTextBytesMax, 't');
  EXPECT_EQ(scan("<r><a>" + text + "</a></r>"), "<r <a a[" + text + "]> r> finished");
  EXPECT_EQ(scan("<r><a>" + text + "u</a><b>c</b></r>"), "<r <a a[" + text + "]cut> <b b[c]> r> finished");
  EXPECT_EQ(reason("<aaaaaa/>", 9), "finished");
  EXPECT_EQ(reason("<aaaaaaa/>", 9), "more XML than a reply may have");
}

}  // namespace
}  // namespace weir
