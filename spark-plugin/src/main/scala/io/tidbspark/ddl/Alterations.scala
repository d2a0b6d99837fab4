package io.tidbspark.ddl

import org.apache.spark.sql.connector.catalog.TableCatalog
import org.apache.spark.sql.connector.catalog.TableChange
import org.apache.spark.sql.connector.catalog.TableChange._
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.types.StructType

import io.tidbspark.compat.ColumnChanges
import io.tidbspark.proto
import io.tidbspark.proto.{ColumnPosition => ProtoPosition, ModifyColumn, TableAlteration}

/** Changes of a table in the terms of plan.proto. */
private[ddl] object Alterations {

  /**
   * @param table its name, for messages
   * @param schema the columns before the change
   */
  def translate(table: String, schema: StructType, change: TableChange): TableAlteration = {
    val builder = TableAlteration.newBuilder()
    change match {
      case add: AddColumn =>
        val definition = ColumnTypes.definition(column(table, add), add.dataType, add.isNullable, add.comment, add.defaultValue)
        val addition = proto.AddColumn.newBuilder().setColumn(definition)
        position(add.position).foreach(addition.setPosition)
        builder.setAddColumn(addition)
      case drop: DeleteColumn =>
        builder.setDropColumn(
          proto.DropColumn.newBuilder().setName(column(table, drop)).setIfExists(Option(drop.ifExists).exists(_.booleanValue))
        )
      case rename: RenameColumn =>
        builder.setRenameColumn(proto.RenameColumn.newBuilder().setName(column(table, rename)).setNewName(rename.newName))
      case update: UpdateColumnType =>
        modify(builder, table, update)(_.setType(ColumnTypes.sqlType(column(table, update), update.newDataType)))
      case update: UpdateColumnNullability => modify(builder, table, update)(_.setNullable(update.nullable))
      case update: UpdateColumnComment => modify(builder, table, update)(_.setComment(Option(update.newComment).getOrElse("")))
      case update: UpdateColumnPosition =>
        modify(builder, table, update)(changed => position(update.position).fold(changed)(changed.setPosition))
      case update: UpdateColumnDefaultValue =>
        val name = column(table, update)
        val sql = ColumnChanges.newDefault(update)
        modify(builder, table, update) { changed =>
          sql.fold(changed.setDropDefault(true)) { words =>
            val field = schema
              .find(_.name.equalsIgnoreCase(name))
              .getOrElse(throw new TiAnalysisException(s"$table has no column $name"))
            changed.setDefaultValue(ColumnTypes.default(name, field.dataType, words, None))
          }
        }
      case set: SetProperty if set.property == TableCatalog.PROP_COMMENT => builder.setTableComment(set.value)
      case remove: RemoveProperty if remove.property == TableCatalog.PROP_COMMENT => builder.setTableComment("")
      case set: SetProperty =>
        builder.setSetProperty(proto.SetProperty.newBuilder().setName(set.property).setValue(set.value))
      case remove: RemoveProperty => builder.setRemoveProperty(remove.property)
      case other =>
        throw new TiAnalysisException(
          s"$table: ${other.getClass.getSimpleName} is no change that TiDB makes from here; make it in TiDB"
        )
    }
    builder.build()
  }

  private def modify(builder: TableAlteration.Builder, table: String, change: ColumnChange)(
      fill: ModifyColumn.Builder => ModifyColumn.Builder
  ): Unit = builder.setModifyColumn(fill(ModifyColumn.newBuilder().setName(column(table, change))))

  private def column(table: String, change: ColumnChange): String = change.fieldNames match {
    case Array(name) => name
    case nested => throw new TiAnalysisException(s"$table: ${nested.mkString(".")} is a field inside a column, and TiDB has none")
  }

  private def position(position: TableChange.ColumnPosition): Option[ProtoPosition] = position match {
    case after: After => Some(ProtoPosition.newBuilder().setAfter(after.column).build())
    case _: First => Some(ProtoPosition.newBuilder().setFirst(true).build())
    case _ => None
  }
}
