package io.tidbspark

import java.util

import org.apache.spark.sql.catalyst.parser.{CatalystSqlParser, ParseException}
import org.apache.spark.sql.connector.ExternalCommandRunner
import org.apache.spark.sql.connector.catalog.{Identifier, Table, TableProvider}
import org.apache.spark.sql.connector.expressions.Transform
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.sources.DataSourceRegister
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.util.CaseInsensitiveStringMap

import io.tidbspark.admin.Procedure
import io.tidbspark.compat.Converters._
import io.tidbspark.compat.Sessions
import io.tidbspark.config.{Entries, ReadConf, Scope, TiConf}
import io.tidbspark.time.TimeTravel

/**
 * `spark.read.format("tidb")` and `df.write.format("tidb")`, one table by its options and without a catalog:
 *
 * {{{
 *   spark.read.format("tidb").option("pd.addresses", "pd0:2379").option("database", "test").option("table", "t").load()
 *   df.write.format("tidb").option(...).mode("append").save()
 * }}}
 *
 * The table must exist; mode "overwrite" replaces its rows in the same transaction.
 *
 * Also the procedures of a catalog, on every version of Spark: `spark.executeCommand("tidb", argument, Map("catalog" -> "tidb_catalog", "procedure"
 * -> "regions"))` is `CALL tidb_catalog.system.regions(argument)`. Without `procedure` it is `execute`: TiDB runs the statement. Rows are texts with
 * tabs between the values.
 */
class TiDataSource extends TableProvider with DataSourceRegister with ExternalCommandRunner {

  /** Spark asks for the schema and then for the table: load it once. */
  private var loaded: Option[(CaseInsensitiveStringMap, TiTable)] = None

  override def shortName(): String = "tidb"

  override def inferSchema(options: CaseInsensitiveStringMap): StructType = table(options).schema()

  override def getTable(schema: StructType, partitioning: Array[Transform], properties: util.Map[String, String]): Table =
    table(new CaseInsensitiveStringMap(properties))

  override def executeCommand(command: String, options: CaseInsensitiveStringMap): Array[String] =
    Option(options.get("catalog")).map(Sessions.catalog) match {
      case Some(catalog: TiCatalog) =>
        val procedure = Procedure.find(catalog.procedures, options.getOrDefault("procedure", "execute"))
        procedure
          .run(command)
          .getRowsList
          .asScala
          .map(_.getValuesList.asScala.map(value => if (value.hasText) value.getText else "NULL").mkString("\t"))
          .toArray
      case _ =>
        throw new IllegalArgumentException("option catalog: name the catalog of a TiDB cluster")
    }

  private def table(options: CaseInsensitiveStringMap): TiTable = loaded match {
    case Some((same, table)) if same == options => table
    case _ =>
      val table = load(options)
      loaded = Some(options -> table)
      table
  }

  private def load(options: CaseInsensitiveStringMap): TiTable = {
    TiConf.checkOptions(
      options,
      Set(Scope.TableOption, Scope.ReadOption, Scope.WriteOption),
      TiDataSource.SparkOptions ++ TimeTravel.Options
    )
    TiConf.checkSession(SQLConf.get.getAllConfs)
    val conf = TiConf(options, TiConf.Empty)
    val (database, name) = target(conf)
    val session = ReadConf.session(conf, key => s"option $key (or ${TiConf.SessionPrefix}$key)")
    TableLoader.load(
      conf,
      session,
      database,
      Identifier.of(Array(database), name),
      s"$database.$name",
      TimeTravel.ofOptions(options).getOrElse(ReadTimestamp.Latest),
      options,
      TiConf.Empty
    )
  }

  private def target(conf: TiConf): (String, String) =
    (conf.get(Entries.Database), conf.get(Entries.Table), conf.get(Entries.DbTable)) match {
      case (Some(database), Some(table), None) => (database, table)
      case (None, None, Some(text)) => parse(text)
      case _ =>
        throw new IllegalArgumentException("format(\"tidb\") needs the options database and table, or dbtable as database.table")
    }

  private def parse(text: String): (String, String) = {
    def bad = new IllegalArgumentException(s"option dbtable: '$text' is not database.table")
    try
      CatalystSqlParser.parseMultipartIdentifier(text) match {
        case Seq(database, table) => (database, table)
        case _ => throw bad
      }
    catch { case _: ParseException => throw bad }
  }
}

object TiDataSource {

  /** Options that Spark serves itself and leaves in the map (lower case): it then says better than we that streams are not written. */
  private val SparkOptions: Set[String] = Set("checkpointlocation")
}
