package io.tidbspark.config

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.file.{Files, Paths}

import org.scalatest.funsuite.AnyFunSuite

class ConfigurationDocSuite extends AnyFunSuite {
  private val golden = Paths.get(System.getProperty("tidbspark.repository", "..")).resolve("docs/configuration.md")

  test("docs/configuration.md is what the entries say (`make docs` writes it)") {
    assert(new String(Files.readAllBytes(golden), UTF_8) == ConfigurationDoc.render())
  }

  test("every entry and every unserved setting has its row, no cell breaks the table") {
    val rows = ConfigurationDoc.render().split('\n').filter(_.startsWith("| `"))
    assert(rows.length == Entries.All.length + Unserved.All.length)
    rows.foreach(row => assert(row.count(_ == '|') == 6 || row.count(_ == '|') == 3, row))
  }
}
