// Gzip streams that zlib 1.2.13 wrote, in base64: dynamic, fixed and stored blocks, codes longer than a first-level
// table, all optional header fields, several members.
#pragma once

#include <string_view>

namespace weir::fixtures {

inline constexpr std::string_view kTextDynamic =
    "H4sIAAAAAAAAA1VSa08CQQz83l9RiW9EzkNRkChqjMFEcr6iiEr2AAURRXM+Atbfru1csvplt53ZmSlXhLY63cfELSVxN3FZ9zjquYmdp8FyuFbj"
    "u0mm38mUrwy7Zod2oGQE5UjoSMUniu2CX9D6DfxTGITFXLCSC8Id/gIfcx9kqMo2wDag9r0bDl0dzbs1BS5afk2oLpQXKnjPSB3qcEg0NvZcQ7k9"
    "oX3+1KrBYnaxnYwcjpH0nE6GK/ImGTUtWX7fo3OmPlBuD5IqfHY4q+ALZ9EHv/F4MMNRWnibM6FX3x1Bcmzez2gm0MyjO9TfsciRUFuoZUPluCl0"
    "zkVlLoVuTeyMSjfwjcs2+ic7Xe0x51Va0aOfOqaz93ju3xA3Rt8JPVjImbUjq2t4saEZ+LIdn/RnJdk01COJL++FnNCH2R54eFvoQn2rHipZxCym"
    "68CzyWOsFG2JxypKzE2ATSkyL9RDO+0NK7wPszGuAZ9yGSVWfaHfZ9bKBV430y91+zaolf5dveGmkqtGTkDG6tDUo2ReQhV7/gNL4HdEhAMAAA==";

inline constexpr std::string_view kTextFixed =
    "H4sIAAAAAAAAA1Mor+UyTswpyEisTE/MzU1UBZORRgZGZroGhroGRrbVSpkpSlZVBnpGpjVgSXeEpCdI1BosWpqSmlOSqBMENssTaChClQ1IVUVS"
    "akmipYIxWHF4NQBjZpNXeAAAAA==";

inline constexpr std::string_view kStored =
    "H4sIAAAAAAAAAwGWAGn/zToTtD5rJZT6sgn+L2b4j5stZ0fwinSZEDMAsGNNmRlYqrPm9n6ouls4mCPoMDlSyewSERQx00PUtCe/U7hWLqkC9ZtM"
    "hTA2ejtO/oo8pu99UxWDu2WRzmhBenowBzYb+mt1LFdOhw/ZyTiVPStvd3wffSWsMhVuWZuvK+xdBaLS0BAtfUtVTbBHaGVwqSIB9RP+qCMghQkO"
    "SJYAAAA=";

inline constexpr std::string_view kHuffmanOnlySkewed =
    "H4sIAAAAAAAAAwXBgWEkyREEMURWz/Je/hssgERg9PI5mBIilrr5MWmdyl6pvxEYjm6He1DQq3K7IQBcYH+C8ZK+C2vst20CPe/3QLeabsvs4w03"
    "+yW+em4Qjs5VMJaaWO1Uqdc9vQHtlPs8/Y2QUH77MNy4Il5zjh4BJrD0TFM/KzDsAnxfPigB1Or4WXZtaltXYFXZKsPsS60woRLO99iHJz3rchGY"
    "zevwv8A84t26V2bxYJ8El/sH0I3gUwfejk683Yd6NZkLRRFeF18UPciWz5gXevjgbv893gR4PjY4jg1nx0vY9eg99GxbGEN+90OhtkwGF39Zf9oO"
    "vp5jT4FCWCjCE/ePceZQJ9HTPt6X55qxIew0U5FQNoBkS577t/n1zh5zpiN4nSlX5y/zlzHTryAdAaU8dEPJmxOmRzW4ZTNgLVn6HPbmuOpnnUUO"
    "D6rJdu4ebC0MiK+FKWfYpybzKFkL53A52sIai0OD8M3HbyOwiuw0urUiVkhP0yd7qWp5Mj9A2MuwJZ82MgNCyju7Wbxg3FzrNjUXQnWmxqfU86tT"
    "Tg3NpK+hpguudlUlwy5boCfWofeLIJ8jY92U54vGXCRT7C2+pm9x6gbtbJeto9lT2Nh0VyGJ/2gSf1fmbR/QeSeeeuH7g7tZ/dhLg5B43h3eYoVy"
    "MHI+l+Dvv8eZz7A4sVDUYjK7XMeQpJ3MvSofjKhyUdBp9lje4Lfb9B6J+PbanaSXPNKLAFolBYlTfsbBeENtbWuds/qyCyO2oJztcdSt/yryCnVf"
    "+qfxLdf+DkX5i4mVUv+FoTUmuOB64p2bvh5xDT4JBkSMjTwv5CKnTMEkgbjdoSgTtwCyIjYW5iYbz2uL9EzTV4Aij5M1ZQME8Df9Erl6wUZ7tjEy"
    "at0rEh9kNwrtEPjuvq8pveKIpHA5UlJwNX8ZXzOIXNedWWMvaV5YmMTVHrqxZC5cEMKPSL0/7VbsXrYS/AKOwHou+pnTgdBlX3boOpYghddPg5mq"
    "TJt99Kj5MygPO+ZXxpmc3AtY/smdjU7pnJ37h88Zcd2PJfhzQhYd3w0kqvpd+OA/Pf0fJlnbSbgLAAA=";

inline constexpr std::string_view kLongRun =
    "H4sIAAAAAAAAA+3BoQEAAAgDoGe1mnf+njACCQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAADwbW8K77C3NHMRAQA=";

inline constexpr std::string_view kAllFields =
    "H4sIHgAAAAAAAwYAAQICAGFibmFtZS5jc3YAYSBjb21tZW50AHglK88syVBIzMlRSMtMzUkp5ionwAcA/PN3tjAAAAA=";

inline constexpr std::string_view kTwoMembersOneEmpty =
    "H4sIAAAAAAAAA0vLLCou0THkAgBVL5JmCAAAAB+LCAAAAAAAAAMDAAAAAAAAAAAAH4sIAAAAAAAAA0tJzSlJ1ClIzCnISPSr5dKuVspMUbLKSk/M"
    "zU2MVzA0MjAy0zUw1DUwqkAw1RTKwfIAML/dOTwAAAA=";

}  // namespace weir::fixtures
