package io.tidbspark.read

import org.scalatest.funsuite.AnyFunSuite

class TiScanSuite extends AnyFunSuite {
  test("an operator tree in one line") {
    val tree = "TableReader(root) regions:3\n└─Selection(cop[tikv])\n  └─TableFullScan(cop[tikv]) table:`a`.`b`\n"
    assert(
      TiScan.oneLine(tree) == "TableReader(root) regions:3 <- Selection(cop[tikv]) <- TableFullScan(cop[tikv]) table:`a`.`b`"
    )
    assert(TiScan.oneLine("") == "")
  }
}
