package io.tidbspark.admin

import java.util.Locale

import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.DataType

import io.tidbspark.functions.TiFunctions
import io.tidbspark.proto.TextRows

/**
 * A procedure of a catalog, in its namespace `system`.
 *
 * @param parameter name of its one argument
 * @param run gets the argument as text, and answers rows of text; without columns when there is nothing to say
 */
final private[tidbspark] case class Procedure(
    name: String,
    parameter: String,
    parameterType: DataType,
    description: String,
    run: String => TextRows
)

private[tidbspark] object Procedure {

  /** @throws org.apache.spark.sql.AnalysisException when there is none of that name, with the names that there are */
  def find(all: Seq[Procedure], name: String): Procedure = {
    val wanted = name.toLowerCase(Locale.ROOT)
    all.find(_.name == wanted).getOrElse {
      val names = all.map(procedure => s"${TiFunctions.Namespace}.${procedure.name}").sorted
      throw new TiAnalysisException(s"there is no procedure $name; there are ${names.mkString(", ")}")
    }
  }
}
